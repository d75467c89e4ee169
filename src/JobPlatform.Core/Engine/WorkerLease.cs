using System.Diagnostics;
using JobPlatform.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Core.Engine;

/// <summary>The SQL of a worker's sign of life, and of taking over from the dead. One caller at a time.</summary>
internal sealed class WorkerLease(PlatformDatabase database, EngineOptions options, TimeProvider clock)
{
    /// <summary>A run that has lost this many workers is what kills them.</summary>
    public const int MostRescues = 5;

    private const int RescueBatch = 500;

    private static readonly string Version = typeof(WorkerLease).Assembly.GetName().Version!.ToString(3);
    private long _lastBeat;

    /// <summary>Renews the lease, registering the worker when it is not known, and reads the database's clock.</summary>
    public async Task<Beat> BeatAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("""
                    INSERT INTO jobplatform.workers (name, role, concurrency, version, lease_until)
                    VALUES ($1, $2, $3, $4, clock_timestamp() + $5)
                    ON CONFLICT (name) DO UPDATE SET heartbeat_at = clock_timestamp(), lease_until = excluded.lease_until
                    RETURNING clock_timestamp(), xmax = 0
                    """)
                {
                    Parameters =
                    {
                        new() { Value = options.WorkerName }, new() { Value = options.Role }, new() { Value = options.Concurrency },
                        new() { Value = Version }, new() { Value = options.Lease },
                    },
                },
                new("SELECT id, fence, cancel_requested FROM jobplatform.job_runs WHERE status = 'running' AND worker = $1")
                {
                    Parameters = { new() { Value = options.WorkerName } },
                },
            },
        };
        var before = Stopwatch.GetTimestamp();
        var runs = new Dictionary<(Guid, long), bool>();
        bool isNew;
        await using (var reader = await batch.ExecuteReaderAsync(cancellation))
        {
            await reader.ReadAsync(cancellation);
            (clock as DatabaseClock)?.Adopt(reader.GetDateTime(0), before, Stopwatch.GetTimestamp());
            isNew = reader.GetBoolean(1);
            await reader.NextResultAsync(cancellation);
            while (await reader.ReadAsync(cancellation)) runs[(reader.GetGuid(0), reader.GetInt64(1))] = reader.GetBoolean(2);
        }
        var mayRescue = _lastBeat != 0 && Stopwatch.GetElapsedTime(_lastBeat, before) < options.Lease;
        var wasBuried = _lastBeat != 0 && isNew;
        _lastBeat = before;
        return new Beat(runs, wasBuried, mayRescue);
    }

    /// <summary>Gives back runs that are this worker's by the table but that it does not hold: the claim's answer was lost.</summary>
    public async Task ReturnAsync(IReadOnlyCollection<(Guid Id, long Fence)> runs, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            UPDATE jobplatform.job_runs r
               SET status = 'queued', run_at = $3, worker = NULL, fence = r.fence + 1, attempt = r.attempt - 1, engine_ref = NULL
              FROM unnest($1::uuid[], $2::bigint[]) AS g(id, fence)
             WHERE r.id = g.id AND r.fence = g.fence AND r.status = 'running'
            """);
        command.Parameters.Add(new() { Value = runs.Select(run => run.Id).ToArray() });
        command.Parameters.Add(new() { Value = runs.Select(run => run.Fence).ToArray() });
        command.Parameters.Add(new() { Value = clock.GetUtcNow().UtcDateTime });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Hands the runs of dead workers on: back to the queue, or to failed when they have killed too many.</summary>
    /// <returns>How many runs were taken from the dead.</returns>
    public async Task<int> RescueAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using (var bury = new NpgsqlCommand("DELETE FROM jobplatform.workers WHERE lease_until < clock_timestamp()", connection))
            await bury.ExecuteNonQueryAsync(cancellation);
        var rescued = 0;
        for (var batch = RescueBatch; batch == RescueBatch; rescued += batch)
        {
            await using var command = new NpgsqlCommand(
                """
                WITH lost AS (
                    SELECT id, worker, started_at, fence, attempt,
                           CASE WHEN cancel_requested THEN 'canceled' WHEN rescues + 1 >= $2 THEN 'failed' ELSE 'queued' END AS next,
                           jsonb_build_object('type', 'worker_lost', 'attempt', attempt, 'message', 'The worker ' || worker ||
                               ' died while it ran this' || CASE WHEN rescues + 1 >= $2
                               THEN ', as ' || rescues || ' others did before: the handler is the likely cause.' ELSE '.' END) AS error
                      FROM jobplatform.job_runs r
                     WHERE status = 'running' AND NOT EXISTS (SELECT FROM jobplatform.workers w WHERE w.name = r.worker)
                     ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
                ), noted AS (
                    INSERT INTO jobplatform.job_attempts (run_id, number, fence, outcome, started_at, finished_at, worker, error)
                    SELECT id, attempt, fence, 'worker_lost', started_at, $1, worker, error FROM lost
                ), counted AS (
                    INSERT INTO jobplatform.job_statistics AS s (job_id, failed_count, canceled_count, consecutive_failures,
                                                                 last_run_id, last_status, last_finished_at, last_failure_at)
                    SELECT r.job_id, count(*) FILTER (WHERE next = 'failed'), count(*) FILTER (WHERE next = 'canceled'),
                           count(*) FILTER (WHERE next = 'failed'), (array_agg(r.id ORDER BY r.id DESC))[1],
                           (array_agg(next ORDER BY r.id DESC))[1], $1, max($1) FILTER (WHERE next = 'failed')
                      FROM lost l JOIN jobplatform.job_runs r USING (id) WHERE next <> 'queued' GROUP BY r.job_id ORDER BY r.job_id
                    ON CONFLICT (job_id) DO UPDATE
                       SET failed_count = s.failed_count + excluded.failed_count, canceled_count = s.canceled_count + excluded.canceled_count,
                           consecutive_failures = s.consecutive_failures + excluded.consecutive_failures,
                           last_run_id = excluded.last_run_id, last_status = excluded.last_status, last_finished_at = $1, last_duration_ms = NULL,
                           last_failure_at = coalesce(excluded.last_failure_at, s.last_failure_at)
                )
                UPDATE jobplatform.job_runs r
                   SET status = l.next, rescues = r.rescues + 1, fence = r.fence + 1, progress = NULL,
                       engine_ref = CASE WHEN l.next <> 'queued' THEN r.engine_ref END,
                       run_at = CASE WHEN l.next = 'queued' THEN $1 ELSE r.run_at END,
                       worker = CASE WHEN l.next = 'queued' THEN NULL ELSE r.worker END,
                       finished_at = CASE WHEN l.next <> 'queued' THEN $1 END,
                       error = CASE WHEN l.next <> 'queued' THEN l.error ELSE r.error END
                  FROM lost l WHERE r.id = l.id
                """, connection)
            {
                Parameters =
                {
                    new() { Value = clock.GetUtcNow().UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz },
                    new() { Value = MostRescues }, new() { Value = RescueBatch },
                },
            };
            batch = await command.ExecuteNonQueryAsync(cancellation);
        }
        return rescued;
    }

    /// <summary>Takes the worker off the list: what it still holds is free for others at once.</summary>
    public async Task EndAsync(CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand("DELETE FROM jobplatform.workers WHERE name = $1");
        command.Parameters.Add(new() { Value = options.WorkerName });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}

/// <summary>What a sign of life brought back.</summary>
/// <param name="Runs">This worker's running runs by the table, and whether their cancellation was asked for.</param>
/// <param name="WasBuried">The lease had ended and others have taken the runs.</param>
/// <param name="MayRescue">Whether others' leases can be judged: after an outage everybody's has run out, and the living
/// need a moment to say so.</param>
internal sealed record Beat(Dictionary<(Guid Id, long Fence), bool> Runs, bool WasBuried, bool MayRescue);
