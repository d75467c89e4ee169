using Npgsql;

namespace JobPlatform.Core.Notifications;

/// <summary>What the admins are told. Immutable.</summary>
public sealed record AdminMessage
{
    /// <summary>The mail's subject, in one line.</summary>
    public required string Subject { get; init; }

    /// <summary>The heading.</summary>
    public required string Title { get; init; }

    /// <summary>What happened and what to do, in sentences; a line end begins a paragraph.</summary>
    public required string Body { get; init; }

    /// <summary>Facts, in their order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Details { get; init; } = [];

    /// <summary>Where to look further; null for nowhere.</summary>
    public string? Link { get; init; }

    /// <summary>A word to find the mail by.</summary>
    public required string Tag { get; init; }
}

/// <summary>Writes to the admins, by mail that is queued and retried like any other.</summary>
public interface IAdminNotifier
{
    /// <summary>Queues the message for each admin (<c>ADMIN_EMAILS</c>, else all admins who may sign in) within the connection's transaction.</summary>
    /// <param name="connection">A connection of the platform's database.</param>
    /// <param name="message">What they are told; secrets in it are masked.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>How many get it; 0 when nobody is known.</returns>
    Task<int> NotifyAsync(NpgsqlConnection connection, AdminMessage message, CancellationToken cancellation = default);
}
