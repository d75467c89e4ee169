using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// Starts the run that a job of Hangfire carries, by the same atomic, fenced update as the embedded engine's: whatever
/// Hangfire delivers twice, late or by mistake starts nothing. Thread-safe.
/// </summary>
internal sealed class HangfireClaimer(PlatformDatabase database, EngineOptions options, TimeProvider clock)
{
    private const string Places =
        """
        (SELECT j.max_concurrency - (SELECT count(*) FROM jobplatform.job_runs o WHERE o.job_id = r.job_id AND o.status = 'running')
           FROM jobplatform.jobs j WHERE j.id = r.job_id)
        """;

    private const string IsCarriedByThis = "(r.engine_ref IS NULL OR r.engine_ref IN ('', $3))";

    private static readonly string Claim =
        $"""
        UPDATE jobplatform.job_runs r
           SET {ClaimSql.Start("$2", "$4")}, engine_ref = $3
         WHERE r.id = $1 AND r.status IN ('queued', 'retrying') AND r.run_at <= $2 AND {IsCarriedByThis}
           AND ($5::text[] IS NULL OR r.queue = ANY ($5))
           AND (NOT r.limited OR ({ClaimSql.IsUnderLock} AND {Places} > 0))
           AND {ClaimSql.WorkerIsAlive("$4")}
        RETURNING {ClaimSql.Columns}
        """;

    private const string LockLimited = $"SELECT {ClaimSql.Lock} FROM jobplatform.job_runs r WHERE r.id = $1 AND r.limited";

    // Under the policy skip. Only a run that was never claimed: one that was handed back, or waits for its next attempt,
    // has a right to go on.
    private const string SkipOverlapping =
        $"""
        WITH skipped AS (
            UPDATE jobplatform.job_runs r
               SET status = 'skipped', skip_reason = 'overlap', finished_at = $2, engine_ref = $3
             WHERE r.id = $1 AND r.status IN ('queued', 'retrying') AND r.limited AND r.fence = 0 AND r.run_at <= $2 AND {IsCarriedByThis}
               AND {ClaimSql.IsUnderLock} AND {Places} <= 0
               AND EXISTS (SELECT FROM jobplatform.jobs j WHERE j.id = r.job_id AND j.overlap_policy = 'skip')
            RETURNING r.id, r.job_id
        )
        INSERT INTO jobplatform.job_statistics AS s (job_id, skipped_count, last_run_id, last_status, last_finished_at)
        SELECT job_id, 1, id, 'skipped', $2 FROM skipped
        ON CONFLICT (job_id) DO UPDATE
           SET skipped_count = s.skipped_count + 1, last_run_id = excluded.last_run_id, last_status = excluded.last_status,
               last_finished_at = excluded.last_finished_at, last_duration_ms = NULL
        """;

    private const string Look =
        "SELECT status, run_at, engine_ref, limited, queue, priority, skip_reason, error FROM jobplatform.job_runs WHERE id = $1";

    /// <summary>Starts the run, or says why not.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="reference">The job of Hangfire that carries it.</param>
    public async Task<ClaimAnswer> ClaimAsync(Guid runId, string reference)
    {
        var now = clock.GetUtcNow();
        await using var connection = await database.OpenAsync();
        // Most runs are not limited, or the lock's round trip is worth nothing: the plain claim first.
        await using (var command = WithParameters(new NpgsqlCommand(Claim, connection), runId, now, reference))
        await using (var reader = await command.ExecuteReaderAsync())
            if (await reader.ReadAsync()) return new ClaimAnswer.Started(ClaimSql.Read(reader, now));
        return await ClaimUnderLockAsync(connection, runId, now, reference);
    }

    private async Task<ClaimAnswer> ClaimUnderLockAsync(NpgsqlConnection connection, Guid runId, DateTimeOffset now, string reference)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new(LockLimited) { Parameters = { new() { Value = runId } } },
                WithParameters(new NpgsqlBatchCommand(Claim), runId, now, reference),
                new(SkipOverlapping) { Parameters = { new() { Value = runId }, new() { Value = now.UtcDateTime }, new() { Value = reference } } },
                new(Look) { Parameters = { new() { Value = runId } } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync();
        await reader.NextResultAsync();
        if (await reader.ReadAsync()) return new ClaimAnswer.Started(ClaimSql.Read(reader, now));
        await reader.NextResultAsync();
        return await reader.ReadAsync() ? Explain(reader, now, reference) : new ClaimAnswer.Gone();
    }

    private ClaimAnswer Explain(NpgsqlDataReader row, DateTimeOffset now, string reference)
    {
        var status = RunStatusExtensions.FromWord(row.GetString(0));
        var runAt = new DateTimeOffset(row.GetDateTime(1), TimeSpan.Zero);
        var carrier = row.IsDBNull(2) ? "" : row.GetString(2);
        if (status.IsEnd())
            return new ClaimAnswer.Ended(status, row.IsDBNull(6) ? null : row.GetString(6), row.IsDBNull(7) ? null : row.GetString(7));
        if (carrier.Length > 0 && carrier != reference) return new ClaimAnswer.CarriedBy(carrier);
        if (status == RunStatus.Running) return new ClaimAnswer.AtWork();
        if (runAt > now) return new ClaimAnswer.NotDue(runAt);
        var queue = row.GetString(4);
        if (row.GetBoolean(3) && options.Queues?.Contains(queue) != false) return new ClaimAnswer.NoPlace();
        return new ClaimAnswer.NotHere(Lanes.NameOf(queue, row.GetInt16(5)));
    }

    private NpgsqlCommand WithParameters(NpgsqlCommand command, Guid runId, DateTimeOffset now, string reference)
    {
        Add(command.Parameters, runId, now, reference);
        return command;
    }

    private NpgsqlBatchCommand WithParameters(NpgsqlBatchCommand command, Guid runId, DateTimeOffset now, string reference)
    {
        Add(command.Parameters, runId, now, reference);
        return command;
    }

    private void Add(NpgsqlParameterCollection parameters, Guid runId, DateTimeOffset now, string reference)
    {
        parameters.Add(new() { Value = runId });
        parameters.Add(new() { Value = now.UtcDateTime });
        parameters.Add(new() { Value = reference });
        parameters.Add(new() { Value = options.WorkerName });
        parameters.Add(new() { Value = options.Queues is { } queues ? queues.ToArray() : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
    }
}
