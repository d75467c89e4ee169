using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Streams;

/// <summary>Stream state in the table <c>active_streams</c>. Thread-safe.</summary>
public sealed class PostgresStreams(AppDatabase app, Purger purger) : IStreamState
{
    /// <inheritdoc/>
    public async Task<bool> ReleaseAsync(long chatId, string streamId, bool dryRun, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            dryRun
                ? "SELECT EXISTS (SELECT FROM public.active_streams WHERE chat_id = @chatId AND stream_id = @streamId)"
                : """
                  WITH released AS (DELETE FROM public.active_streams WHERE chat_id = @chatId AND stream_id = @streamId RETURNING 1)
                  SELECT EXISTS (SELECT FROM released)
                  """, new { chatId, streamId }, cancellationToken: cancellation));
    }

    /// <inheritdoc/>
    public Task<RunOutcome> SweepAsync(DateTimeOffset before, PurgeConfig config, RunContext run, CancellationToken cancellation) =>
        purger.RunAsync(config, run, cancellation, new Purge(app.Source, "public.active_streams", "heartbeat_at", before));
}
