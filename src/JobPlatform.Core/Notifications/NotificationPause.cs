using Dapper;
using Npgsql;

namespace JobPlatform.Core.Notifications;

/// <summary>Keeps what may recur many times from being told more than once in a while, whichever job or node meets it.</summary>
public static class NotificationPause
{
    /// <summary>Asks whether it may be told now; counts it as held back where not. In the transaction of the message.</summary>
    /// <param name="connection">A connection of the platform's database, in a transaction.</param>
    /// <param name="key">What it is about, such as <c>llm:openai</c>.</param>
    /// <param name="pause">How long it must have been quiet.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>How many were held back since it was told last; null when it may not be told now.</returns>
    public static async Task<long?> TryBeginAsync(NpgsqlConnection connection, string key, TimeSpan pause, DateTimeOffset now, CancellationToken cancellation)
    {
        // The row is there and locked after this, whoever made it.
        var isNew = await connection.ExecuteAsync(new CommandDefinition(
            "INSERT INTO jobplatform.notifications (key, sent_at) VALUES (@key, @now) ON CONFLICT (key) DO NOTHING", new { key, now }, cancellationToken: cancellation)) == 1;
        if (isNew) return 0;
        var (sentAt, heldBack) = await connection.QuerySingleAsync<(DateTime, long)>(new CommandDefinition(
            "SELECT sent_at, held_back FROM jobplatform.notifications WHERE key = @key FOR UPDATE", new { key }, cancellationToken: cancellation));
        var isDue = sentAt <= (now - pause).UtcDateTime;
        await connection.ExecuteAsync(new CommandDefinition(
            isDue ? "UPDATE jobplatform.notifications SET sent_at = @now, held_back = 0 WHERE key = @key"
                : "UPDATE jobplatform.notifications SET held_back = held_back + 1 WHERE key = @key", new { key, now }, cancellationToken: cancellation));
        return isDue ? heldBack : null;
    }
}
