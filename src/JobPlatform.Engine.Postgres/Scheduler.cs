using System.Collections.Concurrent;
using JobPlatform.Core.Database;
using JobPlatform.Core.Schedules;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Engine.Postgres;

/// <summary>
/// Turns due times into runs. Every process may do it: a schedule is locked while its due times are turned, and the
/// unique index on (job, due time) refuses the second of anything. No leader.
/// </summary>
internal sealed partial class Scheduler(
    PlatformDatabase database, ScheduleSync sync, EngineOptions options, EngineSignals signals, TimeProvider clock, ILogger<Scheduler> log)
    : BackgroundService
{
    private const int Batch = 100;
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        RepeatAsync(FireAsync, signals.Schedules, stoppingToken),
        RepeatAsync(ReconcileAsync, signals.Jobs, stoppingToken));

    // Written when it could be read; here it cannot (a zone that this machine lacks, another version of the platform).
    // Another node may, so the schedule stays as it is, and this one leaves it out until the next comparison.
    private readonly ConcurrentDictionary<long, byte> _unreadable = new();

    private async Task RepeatAsync(Func<CancellationToken, Task<TimeSpan>> step, Signal wakeUp, CancellationToken stop)
    {
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await wakeUp.WaitAsync(await step(stop), clock, stop);
            }
            catch (Exception e)
            {
                // Whatever it is: a scheduler that has silently ended is the worst of all.
                if (stop.IsCancellationRequested) return;
                LogFailed(e);
                await Task.Delay(ErrorPause, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<TimeSpan> ReconcileAsync(CancellationToken stop)
    {
        await sync.ReconcileAsync(stop);
        _unreadable.Clear();
        await database.FreeStrayRunsAsync(stop);
        // Without notifications the comparison is how a row that was edited by hand is found.
        return signals.IsListening ? options.ReconcileInterval : options.PollInterval;
    }

    /// <summary>Handles what is due, and says how long nothing more will be.</summary>
    internal async Task<TimeSpan> FireAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        int handled;
        do handled = await FireBatchAsync(connection, cancellation);
        while (handled == Batch);
        await using var command = new NpgsqlCommand(
            "SELECT min(next_due_at) FROM jobplatform.schedules WHERE state = 'active' AND job_id <> ALL ($1)", connection)
        {
            Parameters = { new() { Value = _unreadable.Keys.ToArray() } },
        };
        if (await command.ExecuteScalarAsync(cancellation) is not DateTime next) return options.ReconcileInterval;
        var pause = next - clock.GetUtcNow().UtcDateTime;
        return pause < ShortestPause ? ShortestPause : pause < options.ReconcileInterval ? pause : options.ReconcileInterval;
    }

    private async Task<int> FireBatchAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var now = clock.GetUtcNow();
        var found = await ReadDueAsync(connection, now, cancellation);
        if (found.Count == 0) return 0;
        var due = new List<DueSchedule>();

        var runs = new DueRows();
        var next = new List<DateTime?>();
        foreach (var schedule in found)
        {
            if (!CronExpression.TryParse(schedule.Cron, schedule.Name, out var cron, out var fault)
                || !TimeZones.TryFind(schedule.TimeZone, out var zone, out fault))
            {
                LogUnreadable(schedule.Name, fault!);
                _unreadable[schedule.JobId] = 0;
                continue;
            }
            due.Add(schedule);
            var plan = Misfires.Plan(cron, zone, schedule.NextDueAt, now, schedule.Misfire);
            next.Add(plan.Next?.UtcDateTime);
            if (!schedule.MayFire) continue;
            foreach (var at in plan.Due) runs.Add(schedule.JobId, at, now, null);
            if (plan.Skipped is { } skipped)
            {
                runs.Add(schedule.JobId, skipped.Last, now, skipped);
                LogSkipped(schedule.Name, skipped.Count, skipped.First, skipped.Last);
            }
        }
        await WriteAsync(connection, due, next, runs, now, cancellation);
        await transaction.CommitAsync(cancellation);
        if (runs.JobIds.Count > 0) signals.Runs.Set();
        return found.Count;
    }

    private async Task<List<DueSchedule>> ReadDueAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT s.job_id, s.job_name, s.cron_expression, s.time_zone, s.misfire_policy, s.next_due_at, coalesce(j.is_enabled, false)
              FROM jobplatform.schedules s LEFT JOIN jobplatform.jobs j ON j.id = s.job_id
             WHERE s.state = 'active' AND s.next_due_at <= $1 AND s.job_id <> ALL ($3)
             ORDER BY s.next_due_at LIMIT $2 FOR UPDATE OF s SKIP LOCKED
            """, connection)
        {
            Parameters = { new() { Value = now.UtcDateTime }, new() { Value = Batch }, new() { Value = _unreadable.Keys.ToArray() } },
        };
        var due = new List<DueSchedule>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            due.Add(new(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3),
                Enum.Parse<MisfirePolicy>(reader.GetString(4), ignoreCase: true),
                new DateTimeOffset(reader.GetDateTime(5), TimeSpan.Zero), reader.GetBoolean(6)));
        return due;
    }

    private static async Task WriteAsync(NpgsqlConnection connection, List<DueSchedule> due, List<DateTime?> next, DueRows runs,
        DateTimeOffset now, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("""
                    UPDATE jobplatform.schedules s SET next_due_at = n.next_due_at, last_due_at = s.next_due_at, updated_at = $3
                      FROM unnest($1::bigint[], $2::timestamptz[]) AS n(job_id, next_due_at) WHERE s.job_id = n.job_id
                    """)
                {
                    Parameters =
                    {
                        new() { Value = due.ConvertAll(schedule => schedule.JobId) },
                        new() { Value = next, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                        new() { Value = now.UtcDateTime },
                    },
                },
                new("""
                    INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, triggered_by, created_at, run_at, scheduled_for,
                                                      queue, priority, limited, status, skip_reason, finished_at, output)
                    SELECT g.id, j.id, j.version, 'cron', 'schedule', $5, g.due, g.due, j.queue, j.priority, j.overlap_policy <> 'allow',
                           CASE WHEN g.skipped IS NULL THEN 'queued' ELSE 'skipped' END,
                           CASE WHEN g.skipped IS NOT NULL THEN 'misfire' END,
                           CASE WHEN g.skipped IS NOT NULL THEN $5 END, g.skipped::jsonb
                      FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[]) AS g(id, job_id, due, skipped)
                      JOIN jobplatform.jobs j ON j.id = g.job_id
                    ON CONFLICT DO NOTHING
                    """)
                {
                    Parameters =
                    {
                        new() { Value = runs.Ids },
                        new() { Value = runs.JobIds },
                        new() { Value = runs.Due, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                        new() { Value = runs.Skipped, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                        new() { Value = now.UtcDateTime },
                    },
                },
                new("SELECT pg_notify('jobplatform', 'runs')"),
            },
        };
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    [LoggerMessage(2201, LogLevel.Warning, "Schedules could not be handled; next try in a second")]
    private partial void LogFailed(Exception exception);

    [LoggerMessage(2202, LogLevel.Error, "The schedule of {Job} cannot be read here: {Fault}")]
    private partial void LogUnreadable(string job, string fault);

    [LoggerMessage(2203, LogLevel.Warning, "{Count} due times of {Job} passed without a start, from {First} to {Last}: skipped by its misfire policy")]
    private partial void LogSkipped(string job, int count, DateTimeOffset first, DateTimeOffset last);

    private sealed record DueSchedule(
        long JobId, string Name, string Cron, string TimeZone, MisfirePolicy Misfire, DateTimeOffset NextDueAt, bool MayFire);

    private sealed class DueRows
    {
        public List<Guid> Ids { get; } = [];
        public List<long> JobIds { get; } = [];
        public List<DateTime> Due { get; } = [];
        public List<string?> Skipped { get; } = [];

        public void Add(long jobId, DateTimeOffset due, DateTimeOffset now, SkippedDueTimes? skipped)
        {
            Ids.Add(Guid.CreateVersion7(now));
            JobIds.Add(jobId);
            Due.Add(due.UtcDateTime);
            Skipped.Add(skipped is null ? null : System.Text.Json.JsonSerializer.Serialize(new
            {
                due_times = skipped.Count, more = skipped.IsMore, first = skipped.First, last = skipped.Last,
            }, Core.PlatformJson.Options));
        }
    }
}
