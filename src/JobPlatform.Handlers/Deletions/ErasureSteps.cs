using Dapper;
using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Handlers.Deletions;

/// <summary>The record of what was done for one request: a step that has finished is not done again. In the application's database, beside what it tells about.</summary>
internal sealed class ErasureSteps(AppDatabase app, long request)
{
    /// <summary>Does a step unless it has finished before.</summary>
    /// <param name="step">Its name, which never changes.</param>
    /// <param name="work">May have been done before, all or a part.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task DoAsync(string step, Func<Task> work, CancellationToken cancellation)
    {
        await using (var connection = await app.OpenAsync(cancellation))
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "INSERT INTO public.account_deletion_steps (request_id, step) VALUES (@request, @step) ON CONFLICT DO NOTHING", new { request, step }, cancellationToken: cancellation));
            if (await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                    "SELECT finished_at IS NOT NULL FROM public.account_deletion_steps WHERE request_id = @request AND step = @step", new { request, step }, cancellationToken: cancellation)))
                return;
        }
        await work();
        await using var after = await app.OpenAsync(cancellation);
        await after.ExecuteAsync(new CommandDefinition(
            "UPDATE public.account_deletion_steps SET finished_at = now() WHERE request_id = @request AND step = @step", new { request, step }, cancellationToken: cancellation));
    }

    /// <summary>Adds to a step's counts, in the transaction of what is counted.</summary>
    public Task CountAsync(NpgsqlConnection connection, string step, string what, long count, CancellationToken cancellation) =>
        connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE public.account_deletion_steps SET counts = jsonb_set(counts, ARRAY[@what], to_jsonb(coalesce((counts->>@what)::bigint, 0) + @count))
             WHERE request_id = @request AND step = @step
            """, new { request, step, what, count }, cancellationToken: cancellation));

    /// <summary>All counts of all steps, by what they are of.</summary>
    public async Task<IReadOnlyDictionary<string, long>> ReadCountsAsync(CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return (await connection.QueryAsync<(string What, long Count)>(new CommandDefinition(
            """
            SELECT e.key, sum(e.value::bigint)::bigint FROM public.account_deletion_steps s, jsonb_each_text(s.counts) AS e
             WHERE s.request_id = @request GROUP BY e.key
            """, new { request }, cancellationToken: cancellation))).ToDictionary(row => row.What, row => row.Count);
    }
}
