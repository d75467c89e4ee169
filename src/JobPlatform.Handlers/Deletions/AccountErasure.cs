using System.Text.Json;
using Dapper;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Stripe;
using JobPlatform.Mails;
using JobPlatform.Mails.Messages;
using Npgsql;

namespace JobPlatform.Handlers.Deletions;

/// <summary>
/// Deletes one account. Its steps are recorded: killed anywhere, the next run goes on with the step that had not finished,
/// and doing that one again changes nothing that was done. Thread-safe.
/// </summary>
public sealed class AccountErasure(AppDatabase app, PlatformDatabase platform, StripeClient stripe, IBlobStore blobs, Mailer mails, AuditLog audit)
{
    private static readonly Actor Platform = new("system");

    /// <summary>The steps, in their order.</summary>
    internal static IReadOnlyList<string> Steps { get; } = ["collect", "subscription", "data", "blobs", "users", "notice", "evidence"];

    /// <summary>Deletes, or goes on.</summary>
    /// <returns>False when it was withdrawn a moment ago, or another run works on it.</returns>
    /// <exception cref="StripeException">The subscription could not be ended; nothing after it was done.</exception>
    /// <exception cref="BlobException">The store refuses.</exception>
    public async Task<bool> RunAsync(long request, ProcessAccountDeletions.Config config, RunContext run, CancellationToken cancellation)
    {
        // A run that lost its lease may be at work still; its connection's end lets go.
        await using var held = await app.OpenAsync(cancellation);
        if (!await held.ExecuteScalarAsync<bool>(new CommandDefinition(
                "SELECT pg_try_advisory_lock(hashtextextended('account-deletion:' || @request, 0))", new { request = $"{request}" }, cancellationToken: cancellation)))
            return false;
        try
        {
            if (await BeginAsync(request, run.Clock.GetUtcNow(), cancellation) is not { } account) return false;
            var steps = new ErasureSteps(app, request);
            await steps.DoAsync("collect", () => CollectAsync(request, account, cancellation), cancellation);
            await steps.DoAsync("subscription", () => EndSubscriptionsAsync(request, steps, run, cancellation), cancellation);
            await steps.DoAsync("data", () => DeleteDataAsync(request, account, steps, config, run, cancellation), cancellation);
            await steps.DoAsync("blobs", () => new AccountBlobs(app, blobs).DeleteAsync(request, steps, cancellation), cancellation);
            await steps.DoAsync("users", () => DeleteUsersAsync(request, account, steps, cancellation), cancellation);
            await steps.DoAsync("notice", () => NotifyAsync(request, config, cancellation), cancellation);
            await steps.DoAsync("evidence", () => ProveAsync(request, steps, cancellation), cancellation);
            await CloseAsync(request, run.Clock.GetUtcNow(), cancellation);
            return true;
        }
        finally
        {
            await held.ExecuteAsync("SELECT pg_advisory_unlock_all()");
        }
    }

    /// <summary>How many rows of which table would go.</summary>
    public async Task<IReadOnlyDictionary<string, long>> CountAsync(long request, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var account = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            "SELECT account_id FROM public.account_deletion_requests WHERE id = @request", new { request }, transaction, cancellationToken: cancellation));
        // Written to be looked at, and rolled back.
        await CollectUsersAsync(connection, request, account, cancellation);
        var counts = new Dictionary<string, long>();
        foreach (var (table, where) in AccountData.Tables)
            counts[table] = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
                $"SELECT count(*) FROM public.{table} WHERE {where}", new { request, account }, transaction, 0, cancellationToken: cancellation));
        counts["users"] = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            "SELECT count(*) FROM public.account_deletion_parts WHERE request_id = @request AND kind = 'user'", new { request }, transaction, cancellationToken: cancellation));
        return counts;
    }

    private async Task<long?> BeginAsync(long request, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<long?>(new CommandDefinition(
            """
            UPDATE public.account_deletion_requests SET started_at = coalesce(started_at, @now)
             WHERE id = @request AND withdrawn_at IS NULL AND finished_at IS NULL RETURNING account_id
            """, new { request, now }, cancellationToken: cancellation));
    }

    private static Task<int> CollectUsersAsync(NpgsqlConnection connection, long request, long account, CancellationToken cancellation) =>
        connection.ExecuteAsync(new CommandDefinition(
            $"INSERT INTO public.account_deletion_parts (request_id, kind, part_id) SELECT @request, 'user', id FROM ({AccountData.LoneUsers}) AS lone ON CONFLICT DO NOTHING",
            new { request, account }, cancellationToken: cancellation));

    private async Task CollectAsync(long request, long account, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await CollectUsersAsync(connection, request, account, cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO public.account_deletion_parts (request_id, kind, part_id)
            SELECT @request, 'chat', id FROM public.chats WHERE user_id IN (SELECT part_id FROM public.account_deletion_parts WHERE request_id = @request AND kind = 'user')
            UNION ALL
            SELECT @request, 'project', id FROM public.projects WHERE user_id IN (SELECT part_id FROM public.account_deletion_parts WHERE request_id = @request AND kind = 'user')
            ON CONFLICT DO NOTHING;
            UPDATE public.account_deletion_requests r
               SET notice = jsonb_build_object('email', u.email, 'name', u.full_name, 'locale', u.locale, 'account', a.name, 'is_organisation', a.kind = 'organisation',
                                               'requested_at', r.requested_at, 'customer', a.stripe_customer_id)
              FROM public.accounts a JOIN public.users u ON u.id = a.owner_id
             WHERE r.id = @request AND a.id = @account
            """, new { request, account }, transaction, 0, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
    }

    // Stripe is asked, as a local row may be missing: nobody must go on paying for an account that is gone.
    private async Task EndSubscriptionsAsync(long request, ErasureSteps steps, RunContext run, CancellationToken cancellation)
    {
        if (await ReadNoticeAsync(request, cancellation) is not { Customer: { } customer }) return;
        await foreach (var page in stripe.ListSubscriptionsAsync(customer, cancellation))
            foreach (var subscription in page)
                if (subscription.EndedAt is null && await stripe.CancelSubscriptionAsync(subscription.Id, run.IdempotencyKey($"cancel-{subscription.Id}"), cancellation))
                {
                    await using var connection = await app.OpenAsync(cancellation);
                    await steps.CountAsync(connection, "subscription", "stripe_subscriptions", 1, cancellation);
                }
    }

    private async Task DeleteDataAsync(long request, long account, ErasureSteps steps, ProcessAccountDeletions.Config config, RunContext run, CancellationToken cancellation)
    {
        foreach (var (table, where) in AccountData.Tables)
        {
            int deleted;
            do
            {
                await using var connection = await app.OpenAsync(cancellation);
                await using var transaction = await connection.BeginTransactionAsync(cancellation);
                deleted = await connection.ExecuteAsync(new CommandDefinition(
                    $"DELETE FROM public.{table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM public.{table} WHERE {where} LIMIT @BatchSize FOR UPDATE))",
                    new { request, account, config.BatchSize }, transaction, 0, cancellationToken: cancellation));
                if (deleted > 0) await steps.CountAsync(connection, "data", table, deleted, cancellation);
                await transaction.CommitAsync(cancellation);
                run.ReportProgress(0, note: $"request {request}: {table}");
            }
            while (deleted > 0);
        }
    }

    private async Task DeleteUsersAsync(long request, long account, ErasureSteps steps, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // The account's members and what names it go with it; a user who has joined another account meanwhile stays.
        var members = await connection.ExecuteAsync(new CommandDefinition("DELETE FROM public.account_members WHERE account_id = @account", new { account }, transaction, 0, cancellationToken: cancellation));
        var accounts = await connection.ExecuteAsync(new CommandDefinition("DELETE FROM public.accounts WHERE id = @account", new { account }, transaction, 0, cancellationToken: cancellation));
        var users = await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM public.users u USING public.account_deletion_parts p
             WHERE p.request_id = @request AND p.kind = 'user' AND u.id = p.part_id
               AND NOT EXISTS (SELECT FROM public.account_members m WHERE m.user_id = u.id) AND NOT EXISTS (SELECT FROM public.accounts a WHERE a.owner_id = u.id)
            """, new { request }, transaction, 0, cancellationToken: cancellation));
        foreach (var (what, count) in new[] { ("account_members", members), ("accounts", accounts), ("users", users) })
            await steps.CountAsync(connection, "users", what, count, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private async Task NotifyAsync(long request, ProcessAccountDeletions.Config config, CancellationToken cancellation)
    {
        if (await ReadNoticeAsync(request, cancellation) is not { } notice) return;
        var counts = await new ErasureSteps(app, request).ReadCountsAsync(cancellation);
        await mails.QueueAsync(notice.Email, new DeletionNotice
        {
            Name = notice.Name, Account = notice.Account, IsOrganisation = notice.IsOrganisation, RequestedAt = notice.RequestedAt,
            HadSubscription = counts.ContainsKey("stripe_subscriptions"),
        }, [config.Locale, notice.Locale], $"account-deletion:{request}", "account-deletion", cancellation);
    }

    private async Task ProveAsync(long request, ErasureSteps steps, CancellationToken cancellation)
    {
        var counts = await steps.ReadCountsAsync(cancellation);
        DateTime requestedAt;
        await using (var source = await app.OpenAsync(cancellation))
            requestedAt = await source.ExecuteScalarAsync<DateTime>(new CommandDefinition(
                "SELECT requested_at FROM public.account_deletion_requests WHERE id = @request", new { request }, cancellationToken: cancellation));
        await using var connection = await platform.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var isNew = await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO jobplatform.erasure_evidence (request_id, requested_at, counts) VALUES (@key, @requestedAt, @counts::jsonb)
            ON CONFLICT (request_id) DO NOTHING
            """, new { key = $"account-deletion:{request}", requestedAt, counts = JsonSerializer.Serialize(counts, PlatformJson.Options) }, transaction, cancellationToken: cancellation)) == 1;
        if (isNew) await audit.AppendAsync(connection, new(Platform, "account.erased", $"account-deletion:{request}") { Details = counts }, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private async Task CloseAsync(long request, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM public.account_deletion_parts WHERE request_id = @request;
            UPDATE public.account_deletion_requests SET finished_at = @now, notice = NULL, last_error = NULL WHERE id = @request
            """, new { request, now }, transaction, 0, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
    }

    private async Task<Notice?> ReadNoticeAsync(long request, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        var json = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            "SELECT notice FROM public.account_deletion_requests WHERE id = @request", new { request }, cancellationToken: cancellation));
        return json is null ? null : JsonSerializer.Deserialize<Notice>(json, PlatformJson.Options);
    }

    private sealed record Notice
    {
        public required string Email { get; init; }

        public required string Name { get; init; }

        public required string Locale { get; init; }

        public required string Account { get; init; }

        public required bool IsOrganisation { get; init; }

        public required DateTimeOffset RequestedAt { get; init; }

        public required string? Customer { get; init; }
    }
}
