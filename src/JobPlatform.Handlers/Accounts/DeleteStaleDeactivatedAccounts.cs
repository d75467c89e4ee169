using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Accounts;

/// <summary>
/// Deletes users who closed their account long ago, with all that is theirs. A user goes in one transaction, as half a
/// user must never be left to one who comes back: so one with very many rows may take longer than other purges do, on
/// rows that nobody else uses.
/// </summary>
[JobHandler("delete-stale-deactivated-accounts", "Deletes users who were deactivated more than days_to_keep days ago.",
    Cron = "0 0 1 * *", Tables = ["public.users"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class DeleteStaleDeactivatedAccounts(AppDatabase app, Purger purger) : JobHandler<DeleteStaleDeactivatedAccounts.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Few, as each takes all its rows along.</summary>
        public Config() => BatchSize = 50;

        /// <summary>Days since the deactivation.</summary>
        [Range(1, 36_500), DeletesMoreWhen(Becomes.Lower), Description("Days since the deactivation after which a user is deleted.")]
        public int DaysToKeep { get; init; } = 30;
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        purger.RunAsync(config, run, cancellation,
            new Purge(app.Source, "public.users", "deactivated_at", run.Clock.GetUtcNow().AddDays(-config.DaysToKeep)));
}
