using Hangfire;
using Hangfire.States;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using Npgsql;

namespace JobPlatform.Engine.Hangfire;

/// <summary>The jobs of Hangfire that carry runs: finds what is out of step between the two, and wakes what may go on.</summary>
internal sealed class Carriers(PlatformDatabase database, HangfireParts hangfire, TimeProvider clock)
{
    private const int MostWoken = 100;

    // A run whose job does not live: the hand-over was cut off half-way, another engine was at work, or Hangfire's
    // tables were restored. Not before 12 s, as a job is being made for a while; with the check's interval within 30 s.
    private const string ForgetLost =
        $"""
        UPDATE jobplatform.job_runs r SET engine_ref = NULL
         WHERE r.status IN ('queued', 'retrying') AND r.engine_ref IS NOT NULL
           AND ($1 OR (r.run_at < $2 - interval '12 seconds' AND r.created_at < $2 - interval '12 seconds'))
           AND (r.engine_ref = '' OR NOT EXISTS (
                SELECT FROM {HangfireSchema.Name}.job h
                 WHERE h.id = r.engine_ref::bigint AND h.statename IN ('Enqueued', 'Scheduled', 'Processing', 'Awaiting')))
        """;

    // Canceled by SQL, as by deleting the job: Hangfire would show it as waiting until its time comes.
    private const string FindEnded =
        $"""
        SELECT h.id::text FROM jobplatform.job_runs r JOIN {HangfireSchema.Name}.job h ON h.id = r.engine_ref::bigint
         WHERE r.finished_at > $1 - interval '1 minute' AND r.status = 'canceled' AND r.engine_ref <> '' AND h.statename = 'Scheduled' LIMIT 100
        """;

    // Due runs that wait for a place, as many of each job as there are places. Hangfire has put them off for long,
    // which tells them from those that are enqueued already.
    private static readonly string FindWoken =
        $"""
        WITH RECURSIVE {ClaimSql.WaitingJobs("true")}
        SELECT w.engine_ref FROM load f CROSS JOIN LATERAL (
               SELECT engine_ref FROM jobplatform.job_runs
                WHERE status IN ('queued', 'retrying') AND limited AND job_id = f.job_id AND run_at <= $1
                ORDER BY run_at, id LIMIT f.places) w
          JOIN {HangfireSchema.Name}.job h ON h.id = nullif(w.engine_ref, '')::bigint AND h.statename = 'Scheduled'
         WHERE f.places > 0 AND EXISTS (
               SELECT FROM {HangfireSchema.Name}.set s WHERE s.key = 'schedule' AND s.score > extract(epoch FROM $1)
                  AND s.value IN (w.engine_ref, h.invocationdata ->> 'Queue' || ':' || w.engine_ref))
         LIMIT $3
        """;

    /// <summary>Makes runs whose job does not live free to be handed over again, and ends jobs whose run was canceled.</summary>
    /// <param name="isFirst">At the start of the process: what another engine has left is taken at once.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>How many runs had no living job.</returns>
    public async Task<int> CheckAsync(bool isFirst, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(ForgetLost);
        command.Parameters.Add(new() { Value = isFirst });
        command.Parameters.Add(new() { Value = clock.GetUtcNow().UtcDateTime });
        var lost = await command.ExecuteNonQueryAsync(cancellation);
        foreach (var reference in await ReadAsync(FindEnded, cancellation))
            hangfire.Client.ChangeState(reference, new DeletedState { Reason = "The run was canceled." }, ScheduledState.StateName);
        return lost;
    }

    /// <summary>Enqueues runs that wait for a place, where there are places.</summary>
    public async Task WakeAsync(CancellationToken cancellation)
    {
        foreach (var reference in await ReadAsync(FindWoken, cancellation, DBNull.Value, MostWoken))
            hangfire.Client.ChangeState(reference, new EnqueuedState { Reason = "A place is free." }, ScheduledState.StateName);
    }

    private async Task<List<string>> ReadAsync(string sql, CancellationToken cancellation, params object[] more)
    {
        await using var command = database.Source.CreateCommand(sql);
        command.Parameters.Add(new() { Value = clock.GetUtcNow().UtcDateTime });
        foreach (var value in more)
            command.Parameters.Add(value is DBNull ? new() { Value = value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Text } : new NpgsqlParameter { Value = value });
        var references = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) references.Add(reader.GetString(0));
        return references;
    }
}
