using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Emails;

/// <summary>The state of an outgoing mail.</summary>
public enum EmailStatus
{
    /// <summary>Waits for its time.</summary>
    Pending,

    /// <summary>A run is sending it.</summary>
    Processing,

    /// <summary>The mail server has taken it.</summary>
    Sent,

    /// <summary>Given up.</summary>
    Failed,

    /// <summary>Somebody did not want it to be sent.</summary>
    Canceled,
}

/// <summary>An outgoing mail as people see it: without its bodies. Immutable.</summary>
public sealed record Email
{
    internal const string Columns =
        "id, message_id, to_address, from_address, subject, tags, status, attempts, max_attempts, run_at, sent_at, last_error, created_at, updated_at";

    /// <summary>The row's key; grows.</summary>
    public long Id { get; init; }

    /// <summary>Left part of the Message-ID header, the same in every attempt.</summary>
    public required string MessageId { get; init; }

    /// <summary>The recipient.</summary>
    public required string ToAddress { get; init; }

    /// <summary>The sender, null for <c>MAIL_FROM</c>.</summary>
    public string? FromAddress { get; init; }

    /// <summary>The subject.</summary>
    public required string Subject { get; init; }

    /// <summary>Words to find it by.</summary>
    public required string[] Tags { get; init; }

    /// <summary>The state.</summary>
    public EmailStatus Status { get; init; }

    /// <summary>How often it was tried.</summary>
    public int Attempts { get; init; }

    /// <summary>How often it is tried at most.</summary>
    public int MaxAttempts { get; init; }

    /// <summary>When it is due.</summary>
    public DateTimeOffset RunAt { get; init; }

    /// <summary>When the mail server took it.</summary>
    public DateTimeOffset? SentAt { get; init; }

    /// <summary>Why the last attempt did not succeed.</summary>
    public string? LastError { get; init; }

    /// <summary>When it was queued.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it last changed.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Reads outgoing mails, and lets people decide on single ones. Thread-safe.</summary>
public sealed class EmailStore(PlatformDatabase database, AuditLog audit, TimeProvider clock)
{
    /// <summary>Mails, newest first, before <paramref name="beforeId"/>, at most <paramref name="limit"/>.</summary>
    /// <param name="status">Only in this state.</param>
    /// <param name="beforeId">The last key of the page before.</param>
    /// <param name="limit">The page's size.</param>
    /// <param name="cancellation">Ends the query.</param>
    public async Task<IReadOnlyList<Email>> ListAsync(EmailStatus? status, long? beforeId, int limit, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<Email>(new CommandDefinition(
            $"""
            SELECT {Email.Columns} FROM jobplatform.pending_emails
             WHERE id < @beforeId {(status is null ? "" : "AND status = @status")} ORDER BY id DESC LIMIT @limit
            """, new { status = Word(status), beforeId = beforeId ?? long.MaxValue, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>The mail, null when there is none of that key.</summary>
    public async Task<Email?> FindAsync(long id, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<Email>(new CommandDefinition(
            $"SELECT {Email.Columns} FROM jobplatform.pending_emails WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>Queues a failed or canceled mail again, due now, with all its attempts; the Message-ID stays.</summary>
    /// <returns>False when it is in another state, or there is none.</returns>
    public Task<bool> RetryAsync(long id, Actor actor, CancellationToken cancellation = default) => ChangeAsync(
        """
        UPDATE jobplatform.pending_emails SET status = 'pending', attempts = 0, run_at = @now, updated_at = @now
         WHERE id = @id AND status IN ('failed', 'canceled') RETURNING id
        """, "email.retry", id, actor, cancellation);

    /// <summary>Takes a waiting mail out of the queue.</summary>
    /// <returns>False when it is in another state, or there is none.</returns>
    public Task<bool> CancelAsync(long id, Actor actor, CancellationToken cancellation = default) => ChangeAsync(
        """
        UPDATE jobplatform.pending_emails SET status = 'canceled', updated_at = @now
         WHERE id = @id AND status = 'pending' RETURNING id
        """, "email.cancel", id, actor, cancellation);

    private async Task<bool> ChangeAsync(string update, string action, long id, Actor actor, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var changed = await connection.QuerySingleOrDefaultAsync<long?>(new CommandDefinition(
            update, new { id, now = clock.GetUtcNow() }, transaction, cancellationToken: cancellation));
        if (changed is null) return false;
        await audit.AppendAsync(connection, new(actor, action, $"{id}"), cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    private static string? Word(EmailStatus? status) => status?.ToString().ToLowerInvariant();
}
