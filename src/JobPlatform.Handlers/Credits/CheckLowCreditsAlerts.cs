using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Settings;
using JobPlatform.Mails;
using JobPlatform.Mails.Messages;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Handlers.Credits;

/// <summary>The sender of push messages; null keys where <c>VAPID_…</c> is not set.</summary>
/// <param name="Keys">The keys.</param>
/// <param name="DefaultLocale">The language of users whose own has no texts.</param>
public sealed record PushSender(VapidSettings? Keys, string DefaultLocale);

/// <summary>
/// Tells the members of accounts that run out of credits, once, and again only after a refill. An account is marked when
/// its messages are out: a run that dies in between sends them again, and the browser shows them once, by their topic.
/// </summary>
[JobHandler("check-low-credits-alerts", "Sends Web Push to the members of accounts under their credit threshold, once for each crossing.",
    Cron = "0 */6 * * *", Tables = ["public.accounts", "public.account_members", "public.users", "public.push_subscriptions"],
    Settings = ["VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY", "VAPID_SUBJECT"], TimeoutSeconds = 1800)]
public sealed partial class CheckLowCreditsAlerts(AppDatabase app, WebPush push, PushSender sender) : JobHandler<CheckLowCreditsAlerts.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>Accounts at a time.</summary>
        [Range(1, 1_000), Description("How many accounts are read at a time.")]
        public int BatchSize { get; init; } = 100;

        /// <summary>Messages at once.</summary>
        [Range(1, 64), Description("How many messages are under way at once.")]
        public int Parallel { get; init; } = 8;

        /// <summary>Hours that a push service keeps a message.</summary>
        [Range(1, 672), Description("How many hours a push service keeps the message for a browser that is off.")]
        public int KeepHours { get; init; } = 24;
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        if (sender.Keys is not { } keys)
            return RunOutcome.FailForGood("VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT: they are not set, and push services take no message without. 'jobplatform secrets new --vapid' makes the keys; or disable the job.");
        var tally = new Tally();
        var after = 0L;
        while (true)
        {
            var accounts = await FindAccountsAsync(after, config.BatchSize, cancellation);
            if (accounts.Count == 0) break;
            after = accounts[^1].Id;
            var subscriptions = (await FindSubscriptionsAsync(accounts.ConvertAll(account => account.Id), run.Clock.GetUtcNow(), cancellation)).ToLookup(one => one.AccountId);
            foreach (var account in accounts)
            {
                var results = await SendAsync(keys, account, [.. subscriptions[account.Id]], config, run, cancellation);
                await SettleAsync(account, results, tally, run.Clock.GetUtcNow(), cancellation);
                run.ReportProgress(tally.Accounts, note: $"{tally.Pushed:N0} messages taken");
            }
        }
        var output = new { tally.Accounts, tally.Alerted, tally.Pushed, tally.Removed, tally.Refused, tally.Deferred };
        return tally.Alerted == 0 && tally.Deferred > 0
            ? RunOutcome.Fail($"No push service took a message; {tally.Deferred} accounts wait for the next try. The run's log says why.", output: output)
            : RunOutcome.Success(output);
    }

    private async Task<List<Account>> FindAccountsAsync(long after, int limit, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return (await connection.QueryAsync<Account>(new CommandDefinition(
            """
            SELECT id, name, credits, low_credits_threshold AS threshold, credits_refilled_at AS refilled_at FROM public.accounts
             WHERE credits < low_credits_threshold AND id > @after AND (low_credits_alerted_at IS NULL OR low_credits_alerted_at < credits_refilled_at)
             ORDER BY id LIMIT @limit
            """, new { after, limit }, cancellationToken: cancellation))).AsList();
    }

    private async Task<IEnumerable<Subscription>> FindSubscriptionsAsync(List<long> accounts, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return await connection.QueryAsync<Subscription>(new CommandDefinition(
            """
            SELECT m.account_id, p.id, p.endpoint, p.p256dh, p.auth, u.full_name, u.locale
              FROM public.account_members m JOIN public.users u ON u.id = m.user_id JOIN public.push_subscriptions p ON p.user_id = u.id
             WHERE m.account_id = ANY(@accounts) AND u.deactivated_at IS NULL AND (p.expires_at IS NULL OR p.expires_at > @now)
             ORDER BY p.id
            """, new { accounts, now }, cancellationToken: cancellation));
    }

    private async Task<List<(Subscription Subscription, PushResult Result)>> SendAsync(
        VapidSettings keys, Account account, List<Subscription> subscriptions, Config config, RunContext run, CancellationToken cancellation)
    {
        var results = new List<(Subscription, PushResult)>(subscriptions.Count);
        await Parallel.ForEachAsync(subscriptions, new ParallelOptions { MaxDegreeOfParallelism = config.Parallel, CancellationToken = cancellation }, async (subscription, token) =>
        {
            var texts = Texts.For(subscription.Locale, sender.DefaultLocale);
            var notice = new LowCreditsNotice { Name = subscription.FullName, Account = account.Name, Credits = account.Credits, Threshold = account.Threshold };
            var message = JsonSerializer.SerializeToUtf8Bytes(new { title = notice.TitleIn(texts), body = notice.BodyIn(texts), tag = $"low-credits-{account.Id}" });
            var (result, detail) = await push.SendAsync(keys, subscription.Endpoint, subscription.P256dh, subscription.Auth, message,
                $"low-credits-{account.Id % 1_000_000_000}", TimeSpan.FromHours(config.KeepHours), token);
            if (result is PushResult.Deferred or PushResult.Refused)
                LogNotTaken(run.Logger, subscription.Id, detail);
            lock (results) results.Add((subscription, result));
        });
        return results;
    }

    // One transaction: what is counted is what was marked.
    private async Task SettleAsync(Account account, List<(Subscription Subscription, PushResult Result)> results, Tally tally, DateTimeOffset now, CancellationToken cancellation)
    {
        long[] Of(PushResult wanted) => [.. results.Where(one => one.Result == wanted).Select(one => one.Subscription.Id)];
        var (taken, gone, deferred) = (Of(PushResult.Taken), Of(PushResult.Gone), Of(PushResult.Deferred));
        // Whom nobody could tell for the moment is told by the next run; one message that arrived is enough.
        var isSettled = taken.Length > 0 || deferred.Length == 0;
        await using var connection = await app.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM public.push_subscriptions WHERE id = ANY(@gone);
            UPDATE public.push_subscriptions SET last_used_at = @now WHERE id = ANY(@taken);
            UPDATE public.accounts SET low_credits_alerted_at = greatest(@now, credits_refilled_at) WHERE id = @Id AND @isSettled AND credits_refilled_at = @RefilledAt
            """, new { gone, taken, now, account.Id, isSettled, account.RefilledAt }, transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        tally.Accounts++;
        tally.Alerted += isSettled ? 1 : 0;
        tally.Deferred += isSettled ? 0 : 1;
        tally.Pushed += taken.Length;
        tally.Removed += gone.Length;
        tally.Refused += Of(PushResult.Refused).Length;
    }

    [LoggerMessage(3101, LogLevel.Warning, "The push subscription {Subscription} took no message: {Detail}")]
    private static partial void LogNotTaken(ILogger logger, long subscription, string detail);

    private sealed class Tally
    {
        public int Accounts { get; set; }

        public int Alerted { get; set; }

        public int Deferred { get; set; }

        public int Pushed { get; set; }

        public int Removed { get; set; }

        public int Refused { get; set; }
    }

    private sealed record Account
    {
        public required long Id { get; init; }

        public required string Name { get; init; }

        public required long Credits { get; init; }

        public required long Threshold { get; init; }

        public required DateTime RefilledAt { get; init; }
    }

    private sealed record Subscription
    {
        public required long AccountId { get; init; }

        public required long Id { get; init; }

        public required string Endpoint { get; init; }

        public required string P256dh { get; init; }

        public required string Auth { get; init; }

        public required string FullName { get; init; }

        public required string Locale { get; init; }
    }
}
