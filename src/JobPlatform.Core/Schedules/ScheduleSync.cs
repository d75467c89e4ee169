using JobPlatform.Core.Engine;
using JobPlatform.Core.Jobs;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Schedules;

/// <summary>What one reconciliation changed.</summary>
public sealed record SyncResult(int Scheduled, int Unscheduled, IReadOnlyList<string> Faults);

/// <summary>
/// Makes the engine's schedules what the rows of <c>jobs</c> ask for: at start, when a row changes, and once a minute,
/// which repairs drift. Idempotent; several servers may do it at once. A pause or an unschedule by an operator stays
/// until the job's row changes. Schedules without a row (orphans) are left for a purge.
/// </summary>
public sealed partial class ScheduleSync(JobStore jobs, IJobEngine engine, ILogger<ScheduleSync> log)
{
    private const int Page = 1000;
    private IReadOnlyList<string> _logged = [];

    /// <summary>Compares everything and changes what differs.</summary>
    public async Task<SyncResult> ReconcileAsync(CancellationToken cancellation = default)
    {
        var present = (await engine.ListSchedulesAsync(cancellation)).ToDictionary(schedule => schedule.JobId);
        var (scheduled, unscheduled, faults) = (0, 0, new List<string>());
        for (long after = 0; ;)
        {
            var page = await jobs.ListDefinitionsAsync(after, Page, cancellation);
            foreach (var job in page)
            {
                var schedule = present.GetValueOrDefault(job.Id);
                if (job is { IsEnabled: true, CronExpression: not null } && TryDefine(job, faults, out var definition))
                {
                    if (schedule is not null && IsInForce(schedule, definition)) continue;
                    await engine.ScheduleAsync(definition, cancellation);
                    scheduled++;
                }
                // What this node cannot read another may: it stays as long as it is what the row asks for.
                else if (schedule is not null && !(job.IsEnabled && job.CronExpression == schedule.CronExpression && job.TimeZone == schedule.TimeZone))
                {
                    await engine.UnscheduleAsync(job.Id, job.Version, cancellation);
                    unscheduled++;
                }
            }
            if (page.Count < Page) break;
            after = page[^1].Id;
        }
        // Said once, not at every comparison.
        foreach (var fault in faults.Except(_logged)) LogFault(fault);
        _logged = faults;
        if (scheduled + unscheduled > 0) LogSynced(scheduled, unscheduled);
        return new(scheduled, unscheduled, faults);
    }

    /// <summary>The sentence for a job whose cron expression or zone cannot be read; null when both can.</summary>
    public static string? FindFault(Job job)
    {
        var faults = new List<string>();
        return job.CronExpression is null || TryDefine(job, faults, out _) ? null : faults[0];
    }

    /// <summary>What a job asks of the engine; or why it asks for nothing.</summary>
    internal static (ScheduleDefinition? Schedule, string? Fault) Define(Job job)
    {
        if (!job.IsEnabled) return (null, $"The job '{job.Name}' has no schedule: it is disabled.");
        if (job.CronExpression is null) return (null, $"The job '{job.Name}' has no schedule: it has no cron expression.");
        var faults = new List<string>();
        return TryDefine(job, faults, out var definition) ? (definition, null) : (null, faults[0]);
    }

    private static bool TryDefine(Job job, List<string> faults, out ScheduleDefinition definition)
    {
        definition = null!;
        if (!CronExpression.TryParse(job.CronExpression!, job.Name, out _, out var error)
            || !TimeZones.TryFind(job.TimeZone, out _, out error))
        {
            faults.Add($"The job '{job.Name}' is not scheduled: {error}");
            return false;
        }
        definition = new(job.Id, job.Name, job.Version, job.CronExpression!, job.TimeZone, job.Misfire);
        return true;
    }

    /// <summary>Whether the engine has what a job asks for, or an operator has stopped it.</summary>
    internal static bool IsInForce(EngineSchedule schedule, ScheduleDefinition wanted) =>
        schedule.State == ScheduleState.Active
            ? schedule.NextDueAt is not null && schedule.CronExpression == wanted.CronExpression && schedule.TimeZone == wanted.TimeZone
              && schedule.Misfire == wanted.Misfire && schedule.JobName == wanted.JobName
            : schedule.JobVersion == wanted.JobVersion;

    [LoggerMessage(1201, LogLevel.Information, "Schedules follow the jobs: {Scheduled} set, {Unscheduled} removed")]
    private partial void LogSynced(int scheduled, int unscheduled);

    [LoggerMessage(1202, LogLevel.Error, "{Fault}")]
    private partial void LogFault(string fault);
}
