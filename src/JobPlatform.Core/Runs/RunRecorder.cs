using JobPlatform.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Core.Runs;

/// <summary>Writes endings of attempts, many in one statement. Thread-safe.</summary>
public sealed class RunRecorder(PlatformDatabase database)
{
    // One statement, so that a run's state, its attempt and its job's statistics are one commit. A row whose fence has
    // moved on is left alone. A cancellation that came while the attempt failed or was handed back wins over another try.
    private const string Sql =
        """
        WITH given AS (
            SELECT *, status NOT IN ('queued', 'retrying') AS ends
              FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
                          $7::text[], $8::text[], $9::text[], $10::text[], $11::boolean[], $12::bigint[])
                AS g(id, fence, status, started_at, finished_at, run_at, skip_reason, output, error, outcome, counts, duration_ms)
        ), ended AS (
            UPDATE jobplatform.job_runs r
               SET status = CASE WHEN g.ends OR NOT r.cancel_requested THEN g.status ELSE 'canceled' END,
                   started_at = g.started_at,
                   finished_at = CASE WHEN g.ends OR r.cancel_requested THEN g.finished_at END,
                   duration_ms = CASE WHEN g.ends OR r.cancel_requested THEN g.duration_ms END,
                   run_at = coalesce(g.run_at, r.run_at),
                   worker = CASE WHEN g.ends OR r.cancel_requested THEN r.worker END,
                   attempt = CASE WHEN g.counts THEN r.attempt ELSE r.attempt - 1 END,
                   skip_reason = g.skip_reason,
                   output = g.output::jsonb,
                   error = g.error::jsonb
              FROM given g
             WHERE r.id = g.id AND r.fence = g.fence AND r.status = 'running'
            RETURNING r.id, r.job_id, r.fence, r.status, r.finished_at, r.duration_ms, r.attempt
        ), attempts AS (
            INSERT INTO jobplatform.job_attempts (run_id, number, fence, outcome, started_at, finished_at, worker, error)
            SELECT e.id, e.attempt, e.fence, g.outcome, g.started_at, g.finished_at, $13, g.error::jsonb
              FROM ended e JOIN given g ON g.id = e.id
             WHERE g.outcome IS NOT NULL
        ), counted AS (
            INSERT INTO jobplatform.job_statistics AS s (
                job_id, success_count, failed_count, canceled_count, skipped_count, consecutive_failures, total_duration_ms,
                last_run_id, last_status, last_finished_at, last_duration_ms, last_success_at, last_failure_at)
            SELECT job_id,
                   count(*) FILTER (WHERE status = 'success'),
                   count(*) FILTER (WHERE status = 'failed'),
                   count(*) FILTER (WHERE status = 'canceled'),
                   count(*) FILTER (WHERE status = 'skipped'),
                   count(*) FILTER (WHERE status = 'failed'),
                   coalesce(sum(duration_ms), 0),
                   (array_agg(id ORDER BY finished_at DESC))[1],
                   (array_agg(status ORDER BY finished_at DESC))[1],
                   max(finished_at),
                   (array_agg(duration_ms ORDER BY finished_at DESC))[1],
                   max(finished_at) FILTER (WHERE status = 'success'),
                   max(finished_at) FILTER (WHERE status = 'failed')
              FROM ended
             WHERE finished_at IS NOT NULL
             GROUP BY job_id
             -- In one order everywhere: two processes that count the same jobs wait for each other, but never in a circle.
             ORDER BY job_id
            ON CONFLICT (job_id) DO UPDATE
               SET success_count = s.success_count + excluded.success_count,
                   failed_count = s.failed_count + excluded.failed_count,
                   canceled_count = s.canceled_count + excluded.canceled_count,
                   skipped_count = s.skipped_count + excluded.skipped_count,
                   consecutive_failures = CASE WHEN excluded.success_count > 0 THEN 0
                                               ELSE s.consecutive_failures + excluded.consecutive_failures END,
                   total_duration_ms = s.total_duration_ms + excluded.total_duration_ms,
                   last_run_id = excluded.last_run_id,
                   last_status = excluded.last_status,
                   last_finished_at = excluded.last_finished_at,
                   last_duration_ms = excluded.last_duration_ms,
                   last_success_at = coalesce(excluded.last_success_at, s.last_success_at),
                   last_failure_at = coalesce(excluded.last_failure_at, s.last_failure_at)
        )
        SELECT id, status FROM ended
        """;

    /// <summary>Records the endings in one commit.</summary>
    /// <param name="endings">No run twice.</param>
    /// <param name="worker">The name of the worker that ran them.</param>
    /// <param name="cancellation">Ends the wait; the endings may have been recorded.</param>
    /// <returns>The state that was recorded of each run (a cancellation may have won over another try); a run that is not
    /// among them was claimed by another worker meanwhile.</returns>
    /// <exception cref="NpgsqlException">Nothing was recorded, or it is not known (the connection broke); try again.</exception>
    public async Task<Dictionary<Guid, RunStatus>> RecordAsync(IReadOnlyList<RunEnding> endings, string worker, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(Column(endings, NpgsqlDbType.Uuid, ending => ending.Run.Id));
        command.Parameters.Add(Column(endings, NpgsqlDbType.Bigint, ending => ending.Run.Fence));
        command.Parameters.Add(Column(endings, NpgsqlDbType.Text, ending => ending.Status.ToWord()));
        command.Parameters.Add(Column(endings, NpgsqlDbType.TimestampTz, ending => ending.StartedAt.UtcDateTime));
        command.Parameters.Add(Column(endings, NpgsqlDbType.TimestampTz, ending => ending.FinishedAt.UtcDateTime));
        command.Parameters.Add(Column(endings, NpgsqlDbType.TimestampTz, ending => ending.RunAt?.UtcDateTime));
        command.Parameters.Add(Column(endings, NpgsqlDbType.Text, ending => ending.SkipReason));
        command.Parameters.Add(Column(endings, NpgsqlDbType.Text, ending => ending.Output));
        command.Parameters.Add(Column(endings, NpgsqlDbType.Text, ending => ending.Error));
        command.Parameters.Add(Column(endings, NpgsqlDbType.Text, ending => Word(ending.Attempt)));
        command.Parameters.Add(Column(endings, NpgsqlDbType.Boolean, ending => ending.CountsAttempt));
        command.Parameters.Add(Column(endings, NpgsqlDbType.Bigint, ending => ending.DurationMs));
        command.Parameters.Add(new() { Value = worker });
        var recorded = new Dictionary<Guid, RunStatus>(endings.Count);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) recorded[reader.GetGuid(0)] = RunStatusExtensions.FromWord(reader.GetString(1));
        return recorded;
    }

    private static NpgsqlParameter<T[]> Column<T>(IReadOnlyList<RunEnding> endings, NpgsqlDbType type, Func<RunEnding, T> value)
    {
        var values = new T[endings.Count];
        for (var i = 0; i < values.Length; i++) values[i] = value(endings[i]);
        return new NpgsqlParameter<T[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };
    }

    private static string? Word(AttemptOutcome? outcome) => outcome switch
    {
        AttemptOutcome.Failed => "failed",
        AttemptOutcome.Timeout => "timeout",
        AttemptOutcome.Canceled => "canceled",
        _ => null,
    };
}
