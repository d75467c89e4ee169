using Dapper;
using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Handlers.Email;

/// <summary>A row that this process holds for sending. Immutable.</summary>
internal sealed record ClaimedEmail
{
    public required long Id { get; init; }

    public required string MessageId { get; init; }

    public required string ToAddress { get; init; }

    public string? FromAddress { get; init; }

    public required string Subject { get; init; }

    public string? HtmlBody { get; init; }

    public string? TextBody { get; init; }

    /// <summary>The number of this attempt; the first is 1.</summary>
    public required short Attempts { get; init; }

    public required short MaxAttempts { get; init; }

    public required DateTimeOffset ClaimedAt { get; init; }
}

/// <summary>
/// The statements on <c>pending_emails</c>. Every ending names the claim by its time: a row that somebody else has taken
/// meanwhile stays theirs. Thread-safe.
/// </summary>
internal sealed class Outbox(PlatformDatabase database, TimeProvider clock)
{
    // As long as a failover takes: an accepted mail whose row cannot be marked would be sent again.
    private static readonly TimeSpan KeepTrying = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>How many mails could be claimed now.</summary>
    public async Task<long> CountDueAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            """
            SELECT (SELECT count(*) FROM jobplatform.pending_emails WHERE status = 'pending' AND run_at <= @now)
                 + (SELECT count(*) FROM jobplatform.pending_emails WHERE status = 'processing' AND claimed_at < @now - interval '15 minutes')
            """, new { now = clock.GetUtcNow() }, cancellationToken: cancellation));
    }

    /// <summary>Takes up to <paramref name="limit"/> due mails, the longest due first.</summary>
    public async Task<IReadOnlyList<ClaimedEmail>> ClaimAsync(int limit)
    {
        // Without a cancellation token: a claim that is committed and not heard of would block its mails for 15 minutes.
        await using var connection = await database.OpenAsync(CancellationToken.None);
        return (await connection.QueryAsync<ClaimedEmail>(
            """
            SELECT id, message_id, to_address, from_address, subject, html_body, text_body, attempts, max_attempts, claimed_at
              FROM jobplatform.claim_pending_emails(@limit, @now) ORDER BY run_at, id
            """, new { limit, now = clock.GetUtcNow() })).AsList();
    }

    /// <summary>The server has taken it.</summary>
    public Task<bool> MarkSentAsync(ClaimedEmail mail) =>
        EndAsync(mail,
            """
            UPDATE jobplatform.pending_emails
               SET status = 'sent', sent_at = @now, claimed_at = NULL, last_error = NULL, updated_at = @now
             WHERE id = @Id AND status = 'processing' AND claimed_at = @ClaimedAt
            """);

    /// <summary>Another try at <paramref name="runAt"/>.</summary>
    public Task<bool> RetryAsync(ClaimedEmail mail, DateTimeOffset runAt, string error) =>
        EndAsync(mail,
            """
            UPDATE jobplatform.pending_emails
               SET status = 'pending', run_at = @runAt, claimed_at = NULL, last_error = @error, updated_at = @now
             WHERE id = @Id AND status = 'processing' AND claimed_at = @ClaimedAt
            """, error, runAt);

    /// <summary>No further try.</summary>
    public Task<bool> FailAsync(ClaimedEmail mail, string error) =>
        EndAsync(mail,
            """
            UPDATE jobplatform.pending_emails
               SET status = 'failed', claimed_at = NULL, last_error = @error, updated_at = @now
             WHERE id = @Id AND status = 'processing' AND claimed_at = @ClaimedAt
            """, error);

    /// <summary>Gives mails of one claim back as if they had not been taken.</summary>
    /// <returns>How many were given back.</returns>
    public Task<int> GiveBackAsync(IReadOnlyCollection<ClaimedEmail> mails) => mails.Count == 0 ? Task.FromResult(0) : ExecuteAsync(
        """
        UPDATE jobplatform.pending_emails
           SET status = 'pending', attempts = attempts - 1, claimed_at = NULL, updated_at = @now
         WHERE id = ANY(@ids) AND status = 'processing' AND claimed_at = @ClaimedAt
        """, new { ids = mails.Select(mail => mail.Id).ToArray(), mails.First().ClaimedAt, now = clock.GetUtcNow() });

    // A statement a mail: a crash leaves at most one mail a line whose fate is not on record. Marking in groups would leave
    // whole groups to be sent again, for little: four lines with their marks made 1,200 mails/s to a server on the same
    // two cores, and 1,600 without a database; a server elsewhere is the slower part by far.
    private async Task<bool> EndAsync(ClaimedEmail mail, string sql, string? error = null, DateTimeOffset? runAt = null) =>
        await ExecuteAsync(sql, new { mail.Id, mail.ClaimedAt, error, runAt, now = clock.GetUtcNow() }) == 1;

    // Without a cancellation token: what happened must be written down, also while the process drains.
    private async Task<int> ExecuteAsync(string sql, object parameters)
    {
        for (var start = clock.GetTimestamp(); ;)
        {
            try
            {
                await using var connection = await database.OpenAsync(CancellationToken.None);
                return await connection.ExecuteAsync(sql, parameters);
            }
            catch (NpgsqlException e) when (e.IsTransient && clock.GetElapsedTime(start) < KeepTrying)
            {
                await Task.Delay(Pause, clock);
            }
        }
    }
}
