using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Engine.Hangfire;

/// <summary>What a requeue in Hangfire's own dashboard means for the runs. Thread-safe.</summary>
internal sealed class Requeues(PlatformDatabase database, TimeProvider clock)
{
    /// <summary>Somebody wants a waiting run to start now; Hangfire's own schedule, at most a second early, does not count.</summary>
    public async Task HastenAsync(Guid run)
    {
        await using var command = database.Source.CreateCommand(
            """
            UPDATE jobplatform.job_runs SET run_at = $2
             WHERE id = $1 AND status IN ('queued', 'retrying') AND run_at > $2 + interval '1.5 seconds'
            """);
        command.Parameters.Add(new() { Value = run });
        command.Parameters.Add(new() { Value = clock.GetUtcNow().UtcDateTime });
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Makes a new run that names an ended one, carried by the same job of Hangfire.</summary>
    /// <returns>The run and its lane; or why there is none; or neither where the old run has not ended.</returns>
    public async Task<(Guid? RunId, string? Lane, string? Refusal)> RetryAsync(Guid run, string reference, string actor)
    {
        var now = clock.GetUtcNow();
        await using var command = database.Source.CreateCommand(
            """
            WITH old AS (SELECT * FROM jobplatform.job_runs WHERE id = $1 AND finished_at IS NOT NULL), made AS (
                INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, triggered_by, created_at, run_at, queue, priority, limited, forced,
                                                  payload, retry_of, engine_ref)
                SELECT $2, j.id, j.version, 'retry', $4, $5, $5, j.queue, j.priority, j.overlap_policy <> 'allow', o.forced, o.payload, o.id, $3
                  FROM old o JOIN jobplatform.jobs j ON j.id = o.job_id WHERE j.is_enabled OR o.forced
                RETURNING queue, priority
            )
            SELECT m.queue, m.priority FROM old LEFT JOIN made m ON true
            """);
        var id = Guid.CreateVersion7(now);
        command.Parameters.Add(new() { Value = run });
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = reference });
        command.Parameters.Add(new() { Value = actor });
        command.Parameters.Add(new() { Value = now.UtcDateTime });
        await using var reader = await command.ExecuteReaderAsync();
        if (!await reader.ReadAsync()) return default;
        return await reader.IsDBNullAsync(0)
            ? (null, null, "The job is disabled or deleted: enable it first.")
            : (id, Lanes.NameOf(reader.GetString(0), reader.GetInt16(1)), null);
    }
}
