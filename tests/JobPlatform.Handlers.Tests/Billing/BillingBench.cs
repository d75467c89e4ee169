using System.Globalization;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Stripe;
using JobPlatform.Handlers.Billing;
using JobPlatform.Mails;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Billing;

/// <summary>What handlers need that write mails, or call Stripe.</summary>
internal static class BillingBench
{
    public static Task<HandlerBench> CreateAsync(string handler, StripeStub? stub = null, string? key = StripeStub.Key,
        Dictionary<string, string?>? settings = null, TimeProvider? time = null, Action<IServiceCollection>? configure = null) =>
        HandlerBench.CreateAsync(handler, settings: settings, time: time, configure: services =>
        {
            services.AddSingleton(new MailSettings { AdminEmails = ["ops@example.com"] }).AddMails();
            services.AddSingleton(new StripeSettings { ApiUrl = stub?.Url ?? new("http://127.0.0.1:9"), SecretKey = key }).AddSingleton<StripeClient>().AddSingleton<BillingNotices>();
            configure?.Invoke(services);
        });

    /// <summary>User n owns account n, whose customer is cus_n.</summary>
    public static Task AddAccountsAsync(this HandlerBench bench, int count, string locale = "en") => bench.Database.ExecuteAsync(
        """
        INSERT INTO public.users (id, email, full_name, locale) SELECT n, 'user' || n || '@example.com', 'User ' || n, @locale FROM generate_series(1, @count) n;
        INSERT INTO public.accounts (id, name, owner_id, stripe_customer_id, credits) SELECT n, 'Account ' || n, n, 'cus_' || n, 1000 FROM generate_series(1, @count) n;
        INSERT INTO public.account_members (account_id, user_id) SELECT n, n FROM generate_series(1, @count) n;
        """, new { count, locale });

    /// <summary>Subject and recipient of each queued mail, in their order.</summary>
    public static async Task<string> MailsAsync(this HandlerBench bench) =>
        await bench.Database.ScalarAsync<string>("SELECT string_agg(to_address || ': ' || subject, E'\n' ORDER BY id) FROM jobplatform.pending_emails") ?? "";

    /// <summary>All that a sync keeps of a subscription, in one line.</summary>
    public static string LineOf(StubSubscription row) => string.Create(CultureInfo.InvariantCulture,
        $"{row.Id}|{row.Customer}|{row.Status}|{row.LookupKey ?? row.Price}|{row.Quantity ?? 1}|{(row.UnitAmount ?? 0) * (row.Quantity ?? 0):0.####}|{row.Currency}|{row.Interval}|{row.IntervalCount}|{row.PeriodEnd.ToUnixTimeSeconds()}|{row.CancelAtPeriodEnd}|{row.IsPaused}|{row.StartedAt.ToUnixTimeSeconds()}|{row.TrialEndsAt?.ToUnixTimeSeconds()}|{row.EndedAt?.ToUnixTimeSeconds()}");

    /// <summary>The same of the local rows.</summary>
    public static async Task<string[]> LocalLinesAsync(this HandlerBench bench) => (await bench.Database.ScalarAsync<string>(
        """
        SELECT string_agg(concat_ws('|', stripe_subscription_id, stripe_customer_id, status, plan, quantity, trim_scale(amount), currency, billing_interval, interval_count,
                   extract(epoch FROM current_period_end)::bigint, CASE WHEN cancel_at_period_end THEN 'True' ELSE 'False' END, CASE WHEN is_paused THEN 'True' ELSE 'False' END,
                   extract(epoch FROM started_at)::bigint, coalesce(extract(epoch FROM trial_ends_at)::bigint::text, ''), coalesce(extract(epoch FROM ended_at)::bigint::text, '')),
               E'\n' ORDER BY stripe_subscription_id COLLATE "C") FROM public.subscriptions
        """) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
