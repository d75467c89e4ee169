using Dapper;
using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>
/// The lock that lets one refresh of an ingest key run at a time, in whatever process: an advisory lock of a transaction
/// that does nothing else, so that it ends with its connection, behind a transaction pooler too.
/// </summary>
internal sealed class LeaderboardLock : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;

    private LeaderboardLock(NpgsqlConnection connection) => _connection = connection;

    /// <summary>The lock's name, which runs report.</summary>
    public static string NameOf(string ingestKey) => $"leaderboard:lock:{ingestKey}";

    /// <summary>Takes the lock; null when another run has it.</summary>
    public static async Task<LeaderboardLock?> TryTakeAsync(AppDatabase app, string ingestKey, CancellationToken cancellation)
    {
        var connection = await app.OpenAsync(cancellation);
        try
        {
            // Nobody ends it: the pool does, when it gets the connection back.
            await connection.BeginTransactionAsync(cancellation);
            if (await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
                    "SELECT pg_try_advisory_xact_lock(hashtextextended(@name, 0))", new { name = NameOf(ingestKey) }, cancellationToken: cancellation)))
                return new LeaderboardLock(connection);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
        await connection.DisposeAsync();
        return null;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
