using System.Runtime.CompilerServices;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Core.Checks;

/// <summary>
/// Whether each webhook could be called and each job could run, whether handlers have jobs and jobs their schedules, and
/// whether this machine's clock is the database's. What only matters when a job runs by itself is not held against a
/// disabled one. Changes nothing. Thread-safe.
/// </summary>
public sealed class DriftCheck(
    HandlerCatalog catalog, AppDatabase app, JobStore jobs, WebhookHandlerStore webhooks, IJobEngine engine, TimeProvider clock)
{
    private const int Page = 1000;
    private static readonly TimeSpan LargestClockOffset = TimeSpan.FromSeconds(2);

    /// <summary>Everything that is out of step now, as it is found. Right after a start schedules are just being set.</summary>
    /// <param name="hasApp">False where it is known that the application's database does not answer: its tables are then not looked for.</param>
    /// <param name="cancellation">Ends the search.</param>
    public async IAsyncEnumerable<Finding> FindAsync(bool hasApp, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        if (clock is DatabaseClock && TimeProvider.System.GetUtcNow() - clock.GetUtcNow() is var offset && offset.Duration() > LargestClockOffset)
            yield return Finding.Fault("clock", $"This machine's clock is {offset.TotalSeconds:+0.0;-0.0} s from the database's: let both follow NTP.");

        var (missing, silence) = hasApp ? await app.LookForAsync(catalog.All.SelectMany(handler => handler.Tables), cancellation) : (new HashSet<string>(), null);
        if (silence is not null) yield return Finding.Fault("database", silence);
        var isEnabled = new Dictionary<string, bool>(StringComparer.Ordinal);
        for (string? after = null; ;)
        {
            var page = await webhooks.CheckAsync(after, Page, cancellation);
            foreach (var (webhook, faults) in page)
            {
                isEnabled.Add(webhook.Key, webhook.IsEnabled);
                if (!webhook.IsEnabled) continue;
                foreach (var fault in faults) yield return Finding.Fault("webhooks", $"The webhook '{webhook.Key}' cannot be called as it is: {fault}");
            }
            if (page.Count < Page) break;
            after = page[^1].Webhook.Key;
        }

        var schedules = (await engine.ListSchedulesAsync(cancellation)).ToDictionary(schedule => schedule.JobId);
        var used = new HashSet<string>(StringComparer.Ordinal);
        for (long after = 0; ;)
        {
            var page = await jobs.ListDefinitionsAsync(after, Page, cancellation);
            foreach (var job in page)
            {
                used.Add(job.Handler);
                var faults = JobFaults.OfDefinition(job, catalog, isEnabled);
                if (job.IsEnabled) faults = faults.Concat(JobFaults.OfSurroundings(job, catalog, isEnabled, missing));
                foreach (var message in faults) yield return Finding.Fault("jobs", message);
                schedules.Remove(job.Id, out var schedule);
                if (Compare(job, schedule) is { } difference) yield return Finding.Warning("schedules", difference);
            }
            if (page.Count < Page) break;
            after = page[^1].Id;
        }
        foreach (var orphan in schedules.Values)
            yield return Finding.Warning("schedules",
                $"The engine has a schedule of '{orphan.JobName}' ({orphan.CronExpression}), and there is no such job. Purge the orphans on the page Schedules, or by POST /api/schedules/purge-orphans.");
        foreach (var handler in catalog.All.Where(handler => handler is { IsSeeded: true, IsOpen: true } && !used.Contains(handler.Key)))
            yield return Finding.Warning("handlers", $"No job uses the handler '{handler.Key}', so that its work is not done. Make one, if it is wanted.");
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
}
