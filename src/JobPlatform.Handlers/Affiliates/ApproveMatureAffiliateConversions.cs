using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Affiliates;

/// <summary>Approves conversions whose hold period is over and whose payment was not refunded, in bounded batches.</summary>
[JobHandler("approve-mature-affiliate-conversions", "Approves affiliate conversions whose hold period is over and whose payment was not refunded.",
    Cron = "0 4 * * *", Gate = "AFFILIATES_ENABLED=true", Tables = ["public.affiliate_conversions", "public.payments"])]
public sealed class ApproveMatureAffiliateConversions(AppDatabase app) : JobHandler<ApproveMatureAffiliateConversions.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>Conversions in one transaction.</summary>
        [Range(1, 100_000), Description("The most conversions in one transaction.")]
        public int BatchSize { get; init; } = 5_000;
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var now = run.Clock.GetUtcNow();
        await using var connection = await app.OpenAsync(cancellation);
        var approved = 0L;
        var commission = new SortedDictionary<string, decimal>(StringComparer.Ordinal);
        while (true)
        {
            // The payment is locked too: a refund that is being written is waited for, and then counts.
            var batch = (await connection.QueryAsync<Approved>(new CommandDefinition(
                """
                WITH mature AS (
                    SELECT c.id FROM public.affiliate_conversions c JOIN public.payments p ON p.id = c.payment_id
                     WHERE c.status = 'pending' AND c.hold_until <= @now AND p.refunded_at IS NULL
                     ORDER BY c.hold_until, c.id LIMIT @BatchSize FOR UPDATE OF c SKIP LOCKED FOR SHARE OF p
                ), written AS (
                    UPDATE public.affiliate_conversions c SET status = 'approved', approved_at = @now FROM mature m WHERE c.id = m.id
                    RETURNING c.currency, c.commission
                )
                SELECT currency, count(*) AS rows, sum(commission) AS commission FROM written GROUP BY currency
                """, new { now, config.BatchSize }, commandTimeout: 0, cancellationToken: cancellation))).AsList();
            var rows = batch.Sum(group => group.Rows);
            foreach (var group in batch) commission[group.Currency] = commission.GetValueOrDefault(group.Currency) + group.Commission;
            run.ReportProgress(approved += rows);
            if (rows == 0) break;
        }
        var refunded = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            """
            SELECT count(*) FROM public.affiliate_conversions c JOIN public.payments p ON p.id = c.payment_id
             WHERE c.status = 'pending' AND c.hold_until <= @now AND p.refunded_at IS NOT NULL
            """, new { now }, cancellationToken: cancellation));
        return RunOutcome.Success(new { approved, commission, refunded });
    }

    private sealed record Approved(string Currency, long Rows, decimal Commission);
}
