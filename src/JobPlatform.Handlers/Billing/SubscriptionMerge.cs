using System.Text.Json;
using Dapper;
using JobPlatform.Core.Handlers;
using Npgsql;

namespace JobPlatform.Handlers.Billing;

/// <summary>Writes what differs between <c>stripe_latest</c> and the local subscriptions, in bounded transactions; counts and lists it.</summary>
internal sealed class SubscriptionMerge(NpgsqlConnection connection, int listLimit)
{
    // A row that differs in nothing is not written: no dead row, no trigger, no replication of the application wakes.
    private const string Update =
        """
        WITH changed AS MATERIALIZED (
            SELECT s.id, s.status AS old_status, s.plan AS old_plan, to_jsonb(s) AS before, r.*
              FROM stripe_latest r JOIN public.subscriptions s USING (stripe_subscription_id)
             WHERE r.number BETWEEN @from AND @to
               AND (s.stripe_customer_id, s.status, s.plan, s.quantity, s.amount, s.currency, s.billing_interval, s.interval_count, s.current_period_end,
                    s.cancel_at_period_end, s.is_paused, s.started_at, s.trial_ends_at, s.ended_at)
                   IS DISTINCT FROM
                   (r.stripe_customer_id, r.status, r.plan, r.quantity, r.amount, r.currency, r.billing_interval, r.interval_count, r.current_period_end,
                    r.cancel_at_period_end, r.is_paused, r.started_at, r.trial_ends_at, r.ended_at)
               FOR UPDATE OF s
        ), written AS (
            UPDATE public.subscriptions s
               SET stripe_customer_id = c.stripe_customer_id, status = c.status, plan = c.plan, quantity = c.quantity, amount = c.amount,
                   currency = c.currency, billing_interval = c.billing_interval, interval_count = c.interval_count,
                   current_period_end = c.current_period_end, cancel_at_period_end = c.cancel_at_period_end, is_paused = c.is_paused,
                   started_at = c.started_at, trial_ends_at = c.trial_ends_at, ended_at = c.ended_at
              FROM changed c WHERE s.id = c.id
            RETURNING s.id, s.account_id, s.current_period_end, s.amount, s.currency, s.status, s.plan, c.old_status, c.old_plan, c.before, to_jsonb(s) AS after, s.stripe_subscription_id
        )
        SELECT id, account_id, stripe_subscription_id AS subscription, current_period_end, amount, currency, status, plan, old_status, old_plan,
               CASE WHEN row_number() OVER (ORDER BY id) <= @listed THEN
                   (SELECT jsonb_object_agg(o.key, jsonb_build_array(o.value, n.value))
                      FROM jsonb_each(before) o JOIN jsonb_each(after) n USING (key) WHERE o.value IS DISTINCT FROM n.value)::text END AS differences
          FROM written ORDER BY id
        """;

    private const string Insert =
        """
        WITH written AS (
            INSERT INTO public.subscriptions (account_id, stripe_subscription_id, stripe_customer_id, status, plan, quantity, amount, currency,
                billing_interval, interval_count, current_period_end, cancel_at_period_end, is_paused, started_at, trial_ends_at, ended_at)
            SELECT a.id, r.stripe_subscription_id, r.stripe_customer_id, r.status, r.plan, r.quantity, r.amount, r.currency,
                   r.billing_interval, r.interval_count, r.current_period_end, r.cancel_at_period_end, r.is_paused, r.started_at, r.trial_ends_at, r.ended_at
              FROM stripe_latest r JOIN public.accounts a USING (stripe_customer_id)
             WHERE r.number BETWEEN @from AND @to
               AND NOT EXISTS (SELECT FROM public.subscriptions s WHERE s.stripe_subscription_id = r.stripe_subscription_id)
            ON CONFLICT (stripe_subscription_id) DO NOTHING
            RETURNING stripe_subscription_id, status, plan
        )
        SELECT count(*) AS count,
               (SELECT array_agg(stripe_subscription_id || ' ' || status || ' ' || plan) FROM (SELECT * FROM written ORDER BY 1 LIMIT @listed) AS first) AS listed
          FROM written
        """;

    private const string Unknown =
        """
        WITH unknown AS (
            SELECT r.stripe_subscription_id, r.stripe_customer_id FROM stripe_latest r
             WHERE NOT EXISTS (SELECT FROM public.subscriptions s WHERE s.stripe_subscription_id = r.stripe_subscription_id)
               AND NOT EXISTS (SELECT FROM public.accounts a WHERE a.stripe_customer_id = r.stripe_customer_id)
        )
        SELECT count(*) AS count,
               (SELECT array_agg(stripe_subscription_id || ' ' || stripe_customer_id) FROM (SELECT * FROM unknown ORDER BY 1 LIMIT @listed) AS first) AS listed
          FROM unknown
        """;

    private const string Orphans =
        """
        WITH orphans AS (
            SELECT s.stripe_subscription_id, s.status FROM public.subscriptions s
             WHERE (@customer IS NULL OR s.stripe_customer_id = @customer)
               AND NOT EXISTS (SELECT FROM stripe_latest r WHERE r.stripe_subscription_id = s.stripe_subscription_id)
        )
        SELECT count(*) AS count,
               (SELECT array_agg(stripe_subscription_id || ' ' || status) FROM (SELECT * FROM orphans ORDER BY 1 LIMIT @listed) AS first) AS listed
          FROM orphans
        """;

    private readonly List<Change> _changes = [];

    /// <summary>Rows that differed and were written.</summary>
    public long Updated { get; private set; }

    /// <summary>Rows that were missing here.</summary>
    public long Inserted { get; private set; }

    /// <summary>Local rows that Stripe does not know; they are left as they are.</summary>
    public long Orphaned { get; private set; }

    /// <summary>Stripe's rows of customers that no account has.</summary>
    public long UnknownCustomers { get; private set; }

    /// <summary>Mails to owners that were queued.</summary>
    public int Mails { get; private set; }

    /// <summary>The first of all that was found.</summary>
    public IReadOnlyList<Change> Changes => _changes;

    public async Task RunAsync(long rows, SyncStripe.Config config, BillingNotices notices, RunContext run, CancellationToken cancellation)
    {
        for (var from = 1L; from <= rows; from += config.BatchSize)
        {
            var range = new { from, to = from + config.BatchSize - 1, listed = Room };
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            var written = (await connection.QueryAsync<WrittenSubscription>(new CommandDefinition(Update, range, transaction, 0, cancellationToken: cancellation))).AsList();
            foreach (var row in written.Take(Room))
                _changes.Add(new(row.Subscription, "updated") { Differences = row.Differences is null ? null : JsonElement.Parse(row.Differences) });
            Updated += written.Count;
            var inserted = await connection.QuerySingleAsync<Found>(new CommandDefinition(Insert, range with { listed = Room }, transaction, 0, cancellationToken: cancellation));
            Inserted += Add(inserted, "inserted");
            // Before the commit: a mail that was queued for what is not committed is found again and not queued twice.
            if (config.NotifyOwners) Mails += await notices.QueueAsync(connection, written, config.Locale, cancellation);
            await transaction.CommitAsync(cancellation);
            run.ReportProgress(Math.Min(rows, range.to), rows, "comparing");
        }
        UnknownCustomers = Add(await FindAsync(Unknown, config.Customer, cancellation), "unknown_customer");
        Orphaned = Add(await FindAsync(Orphans, config.Customer, cancellation), "orphaned");
    }

    private int Room => Math.Max(0, listLimit - _changes.Count);

    private Task<Found> FindAsync(string sql, string? customer, CancellationToken cancellation) =>
        connection.QuerySingleAsync<Found>(new CommandDefinition(sql, new { customer, listed = Room }, commandTimeout: 0, cancellationToken: cancellation));

    private long Add(Found found, string kind)
    {
        foreach (var text in found.Listed ?? [])
        {
            var parts = text.Split(' ', 2);
            _changes.Add(new(parts[0], kind) { Detail = parts[1] });
        }
        return found.Count;
    }

    /// <summary>One thing that was found.</summary>
    /// <param name="Subscription">Stripe's id.</param>
    /// <param name="Kind">updated, inserted, orphaned or unknown_customer.</param>
    public sealed record Change(string Subscription, string Kind)
    {
        /// <summary>Of an update: each column that differed, with its old and new value.</summary>
        [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
        public JsonElement? Differences { get; init; }

        /// <summary>Of the others: status and plan, status, or customer.</summary>
        [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
        public string? Detail { get; init; }
    }

    private sealed record Found
    {
        public long Count { get; init; }

        public string[]? Listed { get; init; }
    }
}

/// <summary>A subscription that a sync has written.</summary>
internal sealed record WrittenSubscription
{
    public required long Id { get; init; }

    public required long AccountId { get; init; }

    public required string Subscription { get; init; }

    public required DateTime? CurrentPeriodEnd { get; init; }

    public required decimal Amount { get; init; }

    public required string Currency { get; init; }

    public required string Status { get; init; }

    public required string Plan { get; init; }

    public required string OldStatus { get; init; }

    public required string OldPlan { get; init; }

    public string? Differences { get; init; }
}
