using System.Globalization;
using Dapper;
using JobPlatform.Mails;
using JobPlatform.Mails.Messages;
using Npgsql;

namespace JobPlatform.Handlers.Billing;

/// <summary>Mails owners about what a sync found. Thread-safe.</summary>
public sealed class BillingNotices(Mailer mails)
{
    private const int LongestKey = 200;

    /// <summary>Queues a mail for each subscription whose payment failed, that was cancelled, or whose plan changed.</summary>
    /// <returns>How many.</returns>
    internal async Task<int> QueueAsync(NpgsqlConnection app, IReadOnlyList<WrittenSubscription> written, string? locale, CancellationToken cancellation)
    {
        var told = written.Select(row => (Row: row, Event: EventOf(row))).Where(change => change.Event is not null).ToList();
        if (told.Count == 0) return 0;
        var owners = (await app.QueryAsync<Owner>(new CommandDefinition(
            """
            SELECT a.id, a.name AS account, u.email, u.full_name, u.locale FROM public.accounts a JOIN public.users u ON u.id = a.owner_id
             WHERE a.id = ANY(@accounts) AND u.deactivated_at IS NULL
            """, new { accounts = told.Select(change => change.Row.AccountId).Distinct().ToArray() }, cancellationToken: cancellation))).ToDictionary(owner => owner.Id);
        var queued = 0;
        foreach (var (row, happened) in told)
        {
            if (!owners.TryGetValue(row.AccountId, out var owner)) continue;
            // One for each turn: a subscription that fails in another period is another failure.
            var key = string.Create(CultureInfo.InvariantCulture, $"billing:{row.Subscription}:{happened}:{(happened == BillingEvent.PlanChanged ? row.Plan : "")}:{row.CurrentPeriodEnd:yyyyMMdd}");
            if (key.Length > LongestKey) key = key[..LongestKey];
            await mails.QueueAsync(owner.Email, new BillingNotice
            {
                Event = happened!.Value, Name = owner.FullName, Account = owner.Account, Plan = row.Plan, OldPlan = row.OldPlan, Amount = row.Amount, Currency = row.Currency,
                UsableUntil = row.Status == "canceled" ? null : row.CurrentPeriodEnd,
            }, [locale, owner.Locale], key, "billing", cancellation);
            queued++;
        }
        return queued;
    }

    private static BillingEvent? EventOf(WrittenSubscription row) =>
        row.Status is "past_due" or "unpaid" && row.OldStatus is not ("past_due" or "unpaid") ? BillingEvent.PaymentFailed
        : row.Status == "canceled" && row.OldStatus != "canceled" ? BillingEvent.SubscriptionCancelled
        : row.Plan != row.OldPlan ? BillingEvent.PlanChanged
        : null;

    private sealed record Owner
    {
        public required long Id { get; init; }

        public required string Account { get; init; }

        public required string Email { get; init; }

        public required string FullName { get; init; }

        public required string Locale { get; init; }
    }
}
