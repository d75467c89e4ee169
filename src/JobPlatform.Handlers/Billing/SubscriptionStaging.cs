using Dapper;
using JobPlatform.Core.Stripe;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Handlers.Billing;

/// <summary>
/// Stripe's subscriptions in a temporary table of one connection. No transaction is open while Stripe is waited for: it
/// would keep vacuum from its work for as long.
/// </summary>
internal sealed class SubscriptionStaging(NpgsqlConnection connection)
{
    private const string Columns =
        "stripe_subscription_id, stripe_customer_id, status, plan, quantity, amount, currency, billing_interval, interval_count, current_period_end, cancel_at_period_end, is_paused, started_at, trial_ends_at, ended_at";

    // A page alone is not worth the round trips of a COPY.
    private const int RowsInCopy = 2_000;

    private readonly List<StripeSubscription> _waiting = new(RowsInCopy + 100);

    public Task BeginAsync(CancellationToken cancellation) => ExecuteAsync(
        """
        DROP TABLE IF EXISTS pg_temp.stripe_read, pg_temp.stripe_latest;
        CREATE TEMP TABLE stripe_read (
            position bigint GENERATED ALWAYS AS IDENTITY, stripe_subscription_id text, stripe_customer_id text, status text, plan text, quantity bigint,
            amount numeric, currency text, billing_interval text, interval_count integer, current_period_end timestamptz,
            cancel_at_period_end boolean, is_paused boolean, started_at timestamptz, trial_ends_at timestamptz, ended_at timestamptz)
        """, cancellation);

    public async Task AddAsync(IReadOnlyList<StripeSubscription> subscriptions, CancellationToken cancellation)
    {
        _waiting.AddRange(subscriptions);
        if (_waiting.Count >= RowsInCopy) await CopyAsync(cancellation);
    }

    /// <summary>Leaves of each subscription what was read last, numbered from 1.</summary>
    /// <returns>How many there are.</returns>
    public async Task<long> CompleteAsync(CancellationToken cancellation)
    {
        await CopyAsync(cancellation);
        await ExecuteAsync(
            $"""
            CREATE TEMP TABLE stripe_latest AS
            SELECT row_number() OVER (ORDER BY stripe_subscription_id) AS number, {Columns}
              FROM (SELECT DISTINCT ON (stripe_subscription_id) * FROM stripe_read ORDER BY stripe_subscription_id, position DESC) AS latest;
            DROP TABLE stripe_read;
            ALTER TABLE stripe_latest ADD PRIMARY KEY (number);
            CREATE UNIQUE INDEX ON stripe_latest (stripe_subscription_id);
            ANALYZE stripe_latest
            """, cancellation);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition("SELECT count(*) FROM stripe_latest", cancellationToken: cancellation));
    }

    private async Task CopyAsync(CancellationToken cancellation)
    {
        if (_waiting.Count == 0) return;
        await using (var copy = await connection.BeginBinaryImportAsync($"COPY stripe_read ({Columns}) FROM STDIN (FORMAT BINARY)", cancellation))
        {
            foreach (var row in _waiting)
            {
                await copy.StartRowAsync(cancellation);
                await copy.WriteAsync(row.Id, NpgsqlDbType.Text, cancellation);
                await copy.WriteAsync(row.Customer, NpgsqlDbType.Text, cancellation);
                await copy.WriteAsync(row.Status, NpgsqlDbType.Text, cancellation);
                await copy.WriteAsync(row.Plan, NpgsqlDbType.Text, cancellation);
                await copy.WriteAsync(row.Quantity, NpgsqlDbType.Bigint, cancellation);
                await copy.WriteAsync(row.Amount, NpgsqlDbType.Numeric, cancellation);
                await copy.WriteAsync(row.Currency, NpgsqlDbType.Text, cancellation);
                await copy.WriteAsync(row.Interval, NpgsqlDbType.Text, cancellation);
                await copy.WriteAsync(row.IntervalCount, NpgsqlDbType.Integer, cancellation);
                await WriteTimeAsync(copy, row.CurrentPeriodEnd, cancellation);
                await copy.WriteAsync(row.CancelAtPeriodEnd, NpgsqlDbType.Boolean, cancellation);
                await copy.WriteAsync(row.IsPaused, NpgsqlDbType.Boolean, cancellation);
                await WriteTimeAsync(copy, row.StartedAt, cancellation);
                await WriteTimeAsync(copy, row.TrialEndsAt, cancellation);
                await WriteTimeAsync(copy, row.EndedAt, cancellation);
            }
            await copy.CompleteAsync(cancellation);
        }
        _waiting.Clear();
    }

    private static Task WriteTimeAsync(NpgsqlBinaryImporter copy, DateTimeOffset? time, CancellationToken cancellation) =>
        time is { } at ? copy.WriteAsync(at.UtcDateTime, NpgsqlDbType.TimestampTz, cancellation) : copy.WriteNullAsync(cancellation);

    private Task<int> ExecuteAsync(string sql, CancellationToken cancellation) =>
        connection.ExecuteAsync(new CommandDefinition(sql, commandTimeout: 0, cancellationToken: cancellation));
}
