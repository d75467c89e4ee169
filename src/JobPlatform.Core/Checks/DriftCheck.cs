using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Checks;

/// <summary>Something that was in step and is not any more. Immutable.</summary>
/// <param name="Area"><c>jobs</c>, <c>handlers</c>, <c>schedules</c> or <c>clock</c>.</param>
/// <param name="Message">A sentence with the remedy.</param>
public sealed record Drift(string Area, string Message);

/// <summary>
/// Compares rows with handlers, configs with their schemas, rows with the engine's schedules, and this machine's clock
/// with the database's. Changes nothing. Thread-safe.
/// </summary>
public sealed class DriftCheck(PlatformDatabase database, HandlerCatalog catalog, JobStore jobs, IJobEngine engine, TimeProvider clock)
{
    private const int Page = 1000;
    private static readonly TimeSpan LargestClockOffset = TimeSpan.FromSeconds(2);

    /// <summary>All that is out of step now. Right after a start schedules are just being set.</summary>
    public async Task<IReadOnlyList<Drift>> FindAsync(CancellationToken cancellation = default)
    {
        var found = new List<Drift>();
        var schedules = (await engine.ListSchedulesAsync(cancellation)).ToDictionary(schedule => schedule.JobId);
        var webhooks = await ReadWebhooksAsync(cancellation);
        var used = new HashSet<string>(StringComparer.Ordinal);
        for (long after = 0; ;)
        {
            var page = await jobs.ListDefinitionsAsync(after, Page, cancellation);
            foreach (var job in page)
            {
                used.Add(job.Handler);
                found.AddRange(JobFaults.OfDefinition(job, catalog, webhooks).Select(fault => new Drift("jobs", fault)));
                schedules.Remove(job.Id, out var schedule);
                if (Compare(job, schedule) is { } difference) found.Add(new("schedules", difference));
            }
            if (page.Count < Page) break;
            after = page[^1].Id;
        }
        found.AddRange(schedules.Values.Select(orphan => new Drift("schedules",
            $"The engine has a schedule of '{orphan.JobName}' ({orphan.CronExpression}), and there is no such job. Purge the orphans on the page Schedules, or by POST /api/schedules/purge-orphans.")));
        found.AddRange(catalog.All.Where(handler => handler is { IsSeeded: true, IsOpen: true } && !used.Contains(handler.Key)).Select(handler => new Drift("handlers",
            $"No job uses the handler '{handler.Key}', so that its work is not done. Make one, if it is wanted.")));
        if (clock is DatabaseClock && TimeProvider.System.GetUtcNow() - clock.GetUtcNow() is var offset && offset.Duration() > LargestClockOffset)
            found.Add(new("clock", $"This machine's clock is {offset.TotalSeconds:+0.0;-0.0} s from the database's: let both follow NTP."));
        return found;
    }

    // The platform sets what differs once a minute, so that what is found here is new, or cannot be set.
    private static string? Compare(Job job, EngineSchedule? schedule)
    {
        var (wanted, reason) = ScheduleSync.Define(job);
        if (wanted is not null)
            return schedule is null ? $"The engine has no schedule of the job '{job.Name}', whose row asks for {job.CronExpression} ({job.TimeZone}). Is a worker alive?"
                : ScheduleSync.IsInForce(schedule, wanted) ? null
                : $"The engine's schedule of the job '{job.Name}' is {schedule.CronExpression} ({schedule.TimeZone}, {schedule.State.ToString().ToLowerInvariant()}), and its row asks for {job.CronExpression} ({job.TimeZone}). Is a worker alive?";
        // What this node cannot read, another may.
        var isUnreadable = job is { IsEnabled: true, CronExpression: not null };
        return schedule is { State: ScheduleState.Active } && !isUnreadable ? $"{reason} The engine still has one: {schedule.CronExpression} ({schedule.TimeZone}). Is a worker alive?" : null;
    }

    private async Task<Dictionary<string, bool>> ReadWebhooksAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<(string Key, bool IsEnabled)>(new CommandDefinition("SELECT key, is_enabled FROM jobplatform.job_handlers", cancellationToken: cancellation)))
            .ToDictionary(webhook => webhook.Key, webhook => webhook.IsEnabled, StringComparer.Ordinal);
    }
}
