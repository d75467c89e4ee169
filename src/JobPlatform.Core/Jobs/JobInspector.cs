using System.Net.Sockets;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Webhooks;
using Npgsql;

namespace JobPlatform.Core.Jobs;

/// <summary>Gathers what explains why a job did or did not run. Reads only. Thread-safe.</summary>
public sealed class JobInspector(PlatformDatabase database, AppDatabase app, HandlerCatalog handlers, WebhookHandlerStore webhooks, IJobEngine engine, TimeProvider clock)
{
    private const int DueTimes = 10;

    // More changes than anybody makes between ten due times that matter.
    private const int MostVersions = 200;

    // Runs are kept for 90 days by default.
    private static readonly TimeSpan RecentPast = TimeSpan.FromDays(100);

    /// <summary>The facts as they are now.</summary>
    public async Task<JobFacts> InspectAsync(Job job, CancellationToken cancellation = default)
    {
        var now = clock.GetUtcNow();
        var dueTimes = FindLastDueTimes(job, now);
        var facts = new JobFacts
        {
            Job = job,
            Now = now,
            EngineFault = await engine.FindFaultAsync(cancellation),
            Schedule = await engine.FindScheduleAsync(job.Id, cancellation),
            LastDueTimes = dueTimes,
        };
        return await ReadAsync(facts, cancellation) with { Faults = await FindFaultsAsync(job, cancellation) };
    }

    private static IReadOnlyList<DateTimeOffset> FindLastDueTimes(Job job, DateTimeOffset now)
    {
        if (!CronExpression.TryParse(job.CronExpression, job.Name, out var cron, out _) || !TimeZones.TryFind(job.TimeZone, out var zone, out _)) return [];
        var since = now - RecentPast;
        return cron.Latest(job.CreatedAt > since ? job.CreatedAt : since, now, zone, DueTimes);
    }

    private async Task<JobFacts> ReadAsync(JobFacts facts, CancellationToken cancellation)
    {
        var job = facts.Job;
        // Runs that wait lie in an index of their own, by job where they are limited, otherwise by queue and priority.
        var lane = job.Overlap == OverlapPolicy.Allow ? "NOT r.limited AND r.queue = @Queue AND r.priority = @Priority" : "r.limited";
        await using var connection = await database.OpenAsync(cancellation);
        await using var rows = await connection.QueryMultipleAsync(new CommandDefinition(
            $"""
            SELECT name, concurrency FROM jobplatform.workers WHERE lease_until > clock_timestamp() ORDER BY name;
            SELECT count(*)::int FROM jobplatform.job_runs WHERE status = 'running';
            SELECT {RunDetails.Columns} FROM {RunDetails.From}
             WHERE r.job_id = @Id AND r.status = 'running' ORDER BY r.started_at, r.id LIMIT @most;
            SELECT {RunDetails.Columns} FROM {RunDetails.From}
             WHERE r.job_id = @Id AND r.status IN ('queued', 'retrying') AND {lane} ORDER BY r.run_at, r.id LIMIT @most;
            SELECT version, changed_at, changed_by, (definition ->> 'is_enabled')::boolean AS is_enabled,
                   definition ->> 'cron_expression' AS cron_expression, definition ->> 'time_zone' AS time_zone
              FROM jobplatform.job_versions WHERE job_id = @Id AND version <= @Version ORDER BY version DESC LIMIT @MostVersions;
            SELECT {RunDetails.Columns}
              FROM unnest(@dueTimes::timestamptz[]) AS d(due_at)
             CROSS JOIN LATERAL (SELECT * FROM jobplatform.job_runs
                                  WHERE job_id = @Id AND scheduled_for >= d.due_at ORDER BY scheduled_for LIMIT 1) r
              LEFT JOIN jobplatform.jobs j ON j.id = r.job_id;
            SELECT min(scheduled_for) FROM jobplatform.job_runs WHERE job_id = @Id AND scheduled_for IS NOT NULL;
            SELECT coalesce((SELECT consecutive_failures FROM jobplatform.job_statistics WHERE job_id = @Id), 0);
            SELECT {RunDetails.Columns} FROM {RunDetails.From}
             WHERE r.id = (SELECT last_run_id FROM jobplatform.job_statistics WHERE job_id = @Id);
            SELECT {RunDetails.Columns} FROM {RunDetails.From}
             WHERE r.job_id = @Id AND r.status = 'failed'
               AND EXISTS (SELECT FROM jobplatform.job_statistics WHERE job_id = @Id AND consecutive_failures > 0)
             ORDER BY r.id DESC LIMIT 1;
            """,
            new
            {
                job.Id, job.Version, job.Queue, job.Priority, most = JobFacts.MostRuns, MostVersions,
                dueTimes = facts.LastDueTimes.Select(due => due.UtcDateTime).ToArray(),
            }, cancellationToken: cancellation));
        return facts with
        {
            Workers = (await rows.ReadAsync<LivingWorker>()).AsList(),
            RunningEverywhere = await rows.ReadSingleAsync<int>(),
            Running = (await rows.ReadAsync<RunDetails>()).AsList(),
            Waiting = (await rows.ReadAsync<RunDetails>()).AsList(),
            Versions = (await rows.ReadAsync<JobChange>()).AsList(),
            CronRuns = (await rows.ReadAsync<RunDetails>()).AsList(),
            OldestDueTime = await rows.ReadSingleAsync<DateTimeOffset?>(),
            ConsecutiveFailures = await rows.ReadSingleAsync<int>(),
            LastRun = await rows.ReadSingleOrDefaultAsync<RunDetails>(),
            LastFailure = await rows.ReadSingleOrDefaultAsync<RunDetails>(),
        };
    }

    private async Task<IReadOnlyList<string>> FindFaultsAsync(Job job, CancellationToken cancellation)
    {
        var like = await webhooks.FindLikeAsync(job.Handler, cancellation);
        var faults = JobFaults.OfDefinition(job, handlers, like).ToList();
        var (missing, silence) = await app.LookForAsync(handlers.Find(job.Handler)?.Tables ?? [], cancellation);
        faults.AddRange(JobFaults.OfSurroundings(job, handlers, like, missing));
        if (silence is not null) faults.Add($"The job '{job.Name}' cannot run. {silence}");
        return faults;
    }
}
