using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>Drops the months of signals that no longer count, and makes the months to come before anybody needs them.</summary>
[JobHandler("drop-old-signals-partitions", "Drops monthly partitions of signals older than keep_months, by drop_old_signals_partitions() where the application has it, and creates the next three.",
    Cron = "0 5 1 * *", Tables = [LeaderboardPipeline.Signals], IsDestructive = true)]
public sealed class DropOldSignalsPartitions(AppDatabase app) : JobHandler<DropOldSignalsPartitions.Config>
{
    private const int MonthsAhead = 3;

    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>Whole months that are kept beside the current one.</summary>
        [Range(1, 1200), DeletesMoreWhen(Becomes.Lower), Description("Whole months that are kept beside the current one.")]
        public int KeepMonths { get; init; } = 12;

        /// <summary>Looks only.</summary>
        [DeletesMoreWhen(Becomes.False), Description("Change nothing; report what would be dropped.")]
        public bool DryRun { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var month = SignalPartitions.MonthOf(run.Clock.GetUtcNow());
        await using var connection = await app.OpenAsync(cancellation);
        if (!config.DryRun)
            await SignalPartitions.EnsureAsync(connection, Enumerable.Range(0, MonthsAhead + 1).Select(month.AddMonths), cancellation);
        if (await new AppFunction(app, "public.drop_old_signals_partitions(integer)", "SELECT public.drop_old_signals_partitions(@KeepMonths)")
                .RunAsync(config.DryRun, new { config.KeepMonths }, "dropped", cancellation) is { } outcome)
            return outcome;

        var old = (await SignalPartitions.ListAsync(connection, cancellation)).FindAll(partition => partition < month.AddMonths(-config.KeepMonths));
        if (config.DryRun) return RunOutcome.Success(new { dry_run = true, would_drop = old.Select(SignalPartitions.NameOf) });
        foreach (var partition in old)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            // Dropping waits for readers of signals, and whoever comes then waits behind it: a short wait, or none and a retry.
            await connection.ExecuteAsync(new CommandDefinition("SET LOCAL lock_timeout = '100ms'", transaction: transaction, cancellationToken: cancellation));
            await connection.ExecuteAsync(new CommandDefinition(
                $"DROP TABLE IF EXISTS public.{SignalPartitions.NameOf(partition)}", transaction: transaction, cancellationToken: cancellation));
            await transaction.CommitAsync(cancellation);
        }
        return RunOutcome.Success(new { dropped = old.Count });
    }
}
