using System.CommandLine;
using System.Text.Json;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Server.Cli;

/// <summary><c>jobs</c>: look at definitions, switch them, run them.</summary>
internal static class JobsCommand
{
    private const int Page = 1000;
    private const int RecentRuns = 5;

    public static Command Create()
    {
        var json = Options.Json();
        var name = new Argument<string>("name") { Description = "The job's name." };

        var list = new Command("list", "List all jobs with their next due time and last run.") { json };
        list.SetAction((parsed, cancellation) => ListAsync(parsed.GetValue(json), cancellation));

        var show = new Command("show", "Show one job and its last runs.") { name, json };
        show.SetAction((parsed, cancellation) => ShowAsync(parsed.GetValue(name)!, parsed.GetValue(json), cancellation));

        var enable = new Command("enable", "Let a job run when it is due.") { name };
        enable.SetAction((parsed, cancellation) => SwitchAsync(parsed.GetValue(name)!, true, cancellation));

        var disable = new Command("disable", "Stop a job from running when it is due.") { name };
        disable.SetAction((parsed, cancellation) => SwitchAsync(parsed.GetValue(name)!, false, cancellation));

        return new Command("jobs", "Look at jobs, switch them, run them.") { list, show, JobsExplain.Create(), JobsRun.Create(), enable, disable };
    }

    private static async Task<int> ListAsync(bool asJson, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var jobs = new List<JobOverview>();
        do jobs.AddRange(await session.Get<JobList>().ReadAsync(new(), JobPlace.After(JobSort.Name, jobs.LastOrDefault()), Page, cancellation));
        while (jobs.Count > 0 && jobs.Count % Page == 0);

        if (asJson) session.Output.Json(jobs);
        else
            session.Output.Table(["JOB", "CRON", "NEXT DUE", "LAST", "WHEN", "TOOK", "RESULT"], jobs.ConvertAll(job => new[]
            {
                job.Name,
                job.TimeZone == "UTC" || job.CronExpression is null ? job.CronExpression ?? "" : $"{job.CronExpression} {job.TimeZone}",
                !job.IsEnabled ? "disabled" : job is { CronExpression: not null, NextDueAt: null } ? "not scheduled" : session.Output.Age(job.NextDueAt),
                job.LastStatus ?? "",
                session.Output.Age(job.LastFinishedAt),
                Output.Duration(job.LastDurationMs),
                RunWords.Result(job.LastResult),
            }));
        return ExitCode.Well;
    }

    private static async Task<int> ShowAsync(string name, bool asJson, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var jobs = session.Get<JobStore>();
        var job = await jobs.FindAsync(name, cancellation) ?? throw CliException.Refused(await jobs.DescribeUnknownAsync(name, cancellation));
        var schedule = await session.Get<IJobEngine>().FindScheduleAsync(job.Id, cancellation);
        var runs = await session.Get<RunStore>().ListAsync(new() { Job = name }, null, RecentRuns, cancellation);
        if (asJson)
        {
            session.Output.Json(new { Job = job, Schedule = schedule, RecentRuns = runs });
            return ExitCode.Well;
        }

        var output = session.Output;
        output.Fields(
            ("job", job.IsEnabled ? job.Name : $"{job.Name} (disabled)"),
            ("description", job.Description),
            ("handler", job.Handler),
            ("due", DescribeDue(job)),
            ("next due", schedule is { State: ScheduleState.Active } ? output.TimeAndAge(schedule.NextDueAt) : schedule?.State.ToString().ToLowerInvariant()),
            ("config", JsonSerializer.Serialize(job.Config, Core.PlatformJson.Options)),
            ("queue", $"{job.Queue}, priority {job.Priority}"),
            ("attempts", $"{job.MaxAttempts} of at most {job.TimeoutSeconds} s, retry after {job.RetryDelays}"),
            ("overlap", job.Overlap == OverlapPolicy.Allow ? "allow, no limit" : $"{job.Overlap.ToString().ToLowerInvariant()}, at most {job.MaxConcurrency} at once"),
            ("misfire", job.Misfire.ToString().ToLowerInvariant()),
            ("version", $"{job.Version}, changed {output.TimeAndAge(job.UpdatedAt)}"));
        if (runs.Count == 0) return ExitCode.Well;
        output.Line("");
        RunText.Table(output, runs);
        return ExitCode.Well;
    }

    public static string DescribeDue(Job job)
    {
        if (job.CronExpression is null) return "never by itself";
        return CronExpression.TryParse(job.CronExpression, job.Name, out var cron, out var error)
            ? $"{job.CronExpression} {job.TimeZone}: {cron.Describe()}"
            : $"{job.CronExpression}: {error}";
    }

    private static async Task<int> SwitchAsync(string name, bool isEnabled, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var jobs = session.Get<JobStore>();
        var job = await jobs.SetEnabledAsync(name, isEnabled, Session.Actor, cancellation)
            ?? throw CliException.Refused(await jobs.DescribeUnknownAsync(name, cancellation));
        session.Output.Line($"{job.Name} is {(job.IsEnabled ? "enabled" : "disabled")} (version {job.Version}).");
        return ExitCode.Well;
    }
}
