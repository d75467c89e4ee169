using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Stripe;

namespace JobPlatform.Handlers.Billing;

/// <summary>What an application says that receives Stripe's webhooks itself.</summary>
[EventType("stripe.customer_changed", "Something of a customer's subscriptions changed at Stripe.")]
public sealed record StripeCustomerChanged
{
    /// <summary>The customer.</summary>
    [Description("Stripe's id of the customer, cus_….")]
    public required string Customer { get; init; }
}

/// <summary>
/// Makes the local subscriptions equal to Stripe's. They are read page by page into a temporary table and compared there,
/// so that memory stays the same for any number. What changed at Stripe while it was being read is read again.
/// </summary>
[JobHandler("sync-stripe", "Reconciles every subscription from Stripe, and inserts those that are missing here.",
    Cron = "0 */4 * * *", Tables = ["public.subscriptions", "public.accounts"], Settings = ["STRIPE_SECRET_KEY"], TimeoutSeconds = 3600)]
[OnEvent<StripeCustomerChanged>]
public sealed class SyncStripe(StripeClient stripe, AppDatabase app, BillingNotices notices) : JobHandler<SyncStripe.Config>
{
    // After so many rounds the rest is the webhooks' or the next run's.
    private const int MostRounds = 5;
    // Clocks differ; reading a subscription once too often is harmless.
    private static readonly TimeSpan ClockMargin = TimeSpan.FromMinutes(1);

    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>Only this customer's; null for all.</summary>
        [RegularExpression("^cus_[A-Za-z0-9_]{1,250}$", ErrorMessage = "Give Stripe's id of a customer, such as cus_NffrFeUfNV2Hib, or null for all."), Description("Only this customer's subscriptions; null for all.")]
        public string? Customer { get; init; }

        /// <summary>The most rows that are compared and written in one transaction.</summary>
        [Range(100, 100_000), Description("The most subscriptions that are compared and written in one transaction.")]
        public int BatchSize { get; init; } = 5_000;

        /// <summary>The most changes that the output lists.</summary>
        [Range(0, 1_000), Description("The most changes that the output lists; all are counted.")]
        public int ListLimit { get; init; } = 100;

        /// <summary>Whether owners get a mail when a payment failed, a subscription was cancelled or its plan changed.</summary>
        [Description("Mail the owner when a payment failed, a subscription was cancelled, or its plan changed. Leave it false where the application does so itself.")]
        public bool NotifyOwners { get; init; }

        /// <summary>The language of these mails; null for the owner's.</summary>
        [Description("The language of these mails, such as de; null for the owner's.")]
        public string? Locale { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        try
        {
            await using var connection = await app.OpenAsync(cancellation);
            var staging = new SubscriptionStaging(connection);
            await staging.BeginAsync(cancellation);
            await ReadAsync(staging, config.Customer, run, cancellation);
            var checkedRows = await staging.CompleteAsync(cancellation);
            var merge = new SubscriptionMerge(connection, config.ListLimit);
            await merge.RunAsync(checkedRows, config, notices, run, cancellation);
            return RunOutcome.Success(new
            {
                @checked = checkedRows, merge.Updated, merge.Inserted, merge.Orphaned, merge.UnknownCustomers, merge.Mails, merge.Changes,
            });
        }
        catch (StripeException e)
        {
            return e.ToOutcome();
        }
    }

    private async Task ReadAsync(SubscriptionStaging staging, string? customer, RunContext run, CancellationToken cancellation)
    {
        var since = run.Clock.GetUtcNow();
        var read = 0L;
        await foreach (var page in stripe.ListSubscriptionsAsync(customer, cancellation))
        {
            await staging.AddAsync(page, cancellation);
            run.ReportProgress(read += page.Count, note: $"{read:N0} subscriptions read");
        }
        var known = new Dictionary<string, StripeSubscription>(StringComparer.Ordinal);
        for (var round = 0; round < MostRounds; round++)
        {
            var next = run.Clock.GetUtcNow();
            var again = new List<StripeSubscription>();
            foreach (var id in await stripe.FindChangedAsync(since - ClockMargin, customer, cancellation))
                if (await stripe.FindSubscriptionAsync(id, cancellation) is { } subscription && (!known.TryGetValue(id, out var before) || before != subscription))
                    again.Add(known[id] = subscription);
            if (again.Count == 0) return;
            await staging.AddAsync(again, cancellation);
            since = next;
        }
    }
}
