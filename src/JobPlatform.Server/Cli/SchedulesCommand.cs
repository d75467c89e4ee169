using System.CommandLine;
using JobPlatform.Core.Engine;

namespace JobPlatform.Server.Cli;

/// <summary><c>schedules</c>: what the engine has, which follows the jobs.</summary>
internal static class SchedulesCommand
{
    public static Command Create()
    {
        var json = Options.Json();
        var list = new Command("list", "List the engine's schedules.") { json };
        list.SetAction((parsed, cancellation) => ListAsync(parsed.GetValue(json), cancellation));
        return new Command("schedules", "Look at schedules.") { list };
    }

    private static async Task<int> ListAsync(bool asJson, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var schedules = await session.Get<IJobEngine>().ListSchedulesAsync(cancellation);
        if (asJson) session.Output.Json(schedules);
        else
            session.Output.Table(["JOB", "CRON", "ZONE", "STATE", "NEXT DUE (UTC)", "LAST DUE (UTC)"],
            [
                .. schedules.OrderBy(schedule => schedule.NextDueAt ?? DateTimeOffset.MaxValue).Select(schedule => new[]
                {
                    schedule.JobName, schedule.CronExpression, schedule.TimeZone, schedule.State.ToString().ToLowerInvariant(),
                    Output.Time(schedule.NextDueAt), Output.Time(schedule.LastDueAt),
                }),
            ]);
        return ExitCode.Well;
    }
}
