using System.Collections.Concurrent;
using JobPlatform.Core.Database;
using JobPlatform.Core.Schedules;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Core.Engine;

/// <summary>
/// Turns due times into runs. Every process may do it: a schedule is locked while its due times are turned, and the
/// unique index on (job, due time) refuses the second of anything. The position lies in <c>schedules</c> whichever
/// engine's clock calls, so that a change of the engine loses no due time and doubles none. Thread-safe.
/// </summary>
internal sealed partial class DueRuns(PlatformDatabase database, TimeProvider clock, ILogger<DueRuns> log)
{
    /// <summary>How many schedules one transaction handles.</summary>
    public const int Batch = 100;

    // Written when it could be read; here it cannot (a zone that this machine lacks, another version of the platform).
    // Another node may, so the schedule stays as it is, and this one leaves it out until the next comparison.
    private readonly ConcurrentDictionary<long, byte> _unreadable = new();

    /// <summary>Looks again at schedules that could not be read here.</summary>
    public void ForgetUnreadable() => _unreadable.Clear();

    /// <summary>Handles up to <see cref="Batch"/> schedules that were due before <paramref name="before"/>.</summary>
    /// <returns>How many there were.</returns>
    public async Task<int> FireAsync(DateTimeOffset before, CancellationToken cancellation) =>
        (await FireAsync(before, null, cancellation)).Handled;

    /// <summary>
    /// Handles the due times of one job. The engine's own job is being made meanwhile: it is to carry the first run,
    /// which is therefore marked with an empty <c>engine_ref</c>, so that nobody hands it over once more.
    /// </summary>
    /// <returns>The first run to start; null when none is due.</returns>
    public async Task<DueRun?> FireOneAsync(string jobName, CancellationToken cancellation) =>
        (await FireAsync(clock.GetUtcNow(), jobName, cancellation)).First;

    /// <summary>When the next schedule is due; null when none is.</summary>
    public async Task<DateTimeOffset?> FindNextAsync(CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            "SELECT min(next_due_at) FROM jobplatform.schedules WHERE state = 'active' AND job_id <> ALL ($1)");
        command.Parameters.Add(new() { Value = _unreadable.Keys.ToArray() });
        return await command.ExecuteScalarAsync(cancellation) is DateTime next ? new DateTimeOffset(next, TimeSpan.Zero) : null;
    }

    private async Task<(int Handled, DueRun? First)> FireAsync(DateTimeOffset before, string? jobName, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var now = clock.GetUtcNow();
        var found = await ReadDueAsync(connection, before, jobName, cancellation);
        if (found.Count == 0) return (0, null);
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
        var first = await WriteAsync(connection, due, next, runs, isReserved: jobName is not null, now, cancellation);
        await transaction.CommitAsync(cancellation);
        return (found.Count, first);
    }

    private async Task<List<DueSchedule>> ReadDueAsync(NpgsqlConnection connection, DateTimeOffset before, string? jobName, CancellationToken cancellation)
    {
        // Of one job: waits for a node that is just turning the same due time, and then finds nothing left to do.
        await using var command = new NpgsqlCommand(
            $"""
            SELECT s.job_id, s.job_name, s.cron_expression, s.time_zone, s.misfire_policy, s.next_due_at, coalesce(j.is_enabled, false)
              FROM jobplatform.schedules s LEFT JOIN jobplatform.jobs j ON j.id = s.job_id
             WHERE s.state = 'active' AND s.next_due_at <= $1 AND s.job_id <> ALL ($3) AND ($4::text IS NULL OR s.job_name = $4)
             ORDER BY s.next_due_at LIMIT $2 FOR UPDATE OF s {(jobName is null ? "SKIP LOCKED" : "")}
            """, connection)
        {
            Parameters =
            {
                new() { Value = before.UtcDateTime }, new() { Value = Batch }, new() { Value = _unreadable.Keys.ToArray() },
                new() { Value = (object?)jobName ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            },
        };
        var due = new List<DueSchedule>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
            due.Add(new(reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3),
                Enum.Parse<MisfirePolicy>(reader.GetString(4), ignoreCase: true),
                new DateTimeOffset(reader.GetDateTime(5), TimeSpan.Zero), reader.GetBoolean(6)));
        return due;
    }

    private static async Task<DueRun?> WriteAsync(NpgsqlConnection connection, List<DueSchedule> due, List<DateTime?> next, DueRows runs,
        bool isReserved, DateTimeOffset now, CancellationToken cancellation)
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
                                                      queue, priority, limited, status, skip_reason, finished_at, output, engine_ref)
                    SELECT g.id, j.id, j.version, 'cron', 'schedule', $5, g.due, g.due, j.queue, j.priority, j.overlap_policy <> 'allow',
                           CASE WHEN g.skipped IS NULL THEN 'queued' ELSE 'skipped' END,
                           CASE WHEN g.skipped IS NOT NULL THEN 'misfire' END,
                           CASE WHEN g.skipped IS NOT NULL THEN $5 END, g.skipped::jsonb,
                           CASE WHEN $6 AND g.n = 1 AND g.skipped IS NULL THEN '' END
                      FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[]) WITH ORDINALITY AS g(id, job_id, due, skipped, n)
                      JOIN jobplatform.jobs j ON j.id = g.job_id
                    ON CONFLICT DO NOTHING
                    RETURNING id, queue, priority, engine_ref IS NOT NULL
                    """)
                {
                    Parameters =
                    {
                        new() { Value = runs.Ids },
                        new() { Value = runs.JobIds },
                        new() { Value = runs.Due, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                        new() { Value = runs.Skipped, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                        new() { Value = now.UtcDateTime },
                        new() { Value = isReserved },
                    },
                },
                new("SELECT pg_notify('jobplatform', 'runs')"),
            },
        };
        DueRun? first = null;
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        // The update has no result; the first one that there is are the rows that were made.
        while (await reader.ReadAsync(cancellation))
            if (reader.GetBoolean(3)) first = new(reader.GetGuid(0), reader.GetString(1), reader.GetInt16(2));
        return first;
    }

    [LoggerMessage(2202, LogLevel.Error, "The schedule of {Job} cannot be read here: {Fault}")]
    private partial void LogUnreadable(string job, string fault);

    [LoggerMessage(2203, LogLevel.Warning, "{Count} due times of {Job} passed without a start, from {First} to {Last}: skipped by its misfire policy")]
    private partial void LogSkipped(string job, int count, DateTimeOffset first, DateTimeOffset last);

    /// <summary>A run that was made of a due time, and the lane that it waits in.</summary>
    internal sealed record DueRun(Guid RunId, string Queue, short Priority);

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
            }, PlatformJson.Options));
        }
    }
}
