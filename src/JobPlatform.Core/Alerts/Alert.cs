using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Alerts;

/// <summary>Something that was or is wrong. Immutable.</summary>
public sealed record Alert
{
    internal const string Columns = "a.id, a.kind, a.job_id, a.title, a.message, a.link, a.opened_at, a.told_at, a.closed_at";

    /// <summary>The row's key.</summary>
    public long Id { get; init; }

    /// <summary><c>missed_run</c>, <c>run_too_long</c>, <c>queue_too_deep</c> or <c>mail_stuck</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The job that it is about; null for none.</summary>
    public long? JobId { get; init; }

    /// <summary>What is wrong, in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>What happened and what to do.</summary>
    public required string Message { get; init; }

    /// <summary>Where to look further; null without <c>PUBLIC_URL</c>.</summary>
    public string? Link { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset OpenedAt { get; init; }

    /// <summary>When the admins were told; null while a silence holds it back.</summary>
    public DateTimeOffset? ToldAt { get; init; }

    /// <summary>When it ended; null while it is open.</summary>
    public DateTimeOffset? ClosedAt { get; init; }
}

/// <summary>Reads alerts. Thread-safe.</summary>
public sealed class AlertReader(PlatformDatabase database)
{
    /// <summary>Alerts, the newest first.</summary>
    /// <param name="openOnly">True for those that are open.</param>
    /// <param name="before">The key of the last one of the page before; null for the first page.</param>
    /// <param name="limit">The most of a page.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<IReadOnlyList<Alert>> ListAsync(bool openOnly, long? before = null, int limit = 100, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<Alert>(new CommandDefinition(
            $"""
            SELECT {Alert.Columns} FROM jobplatform.alerts a
             WHERE (@before::bigint IS NULL OR a.id < @before) {(openOnly ? "AND a.closed_at IS NULL" : "")} ORDER BY a.id DESC LIMIT @limit
            """, new { before, limit }, cancellationToken: cancellation))).AsList();
    }
}
