using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Accounts;

/// <summary>Removes browsers' Web Push subscriptions that have expired or that nothing was sent to for long.</summary>
[JobHandler("cleanup-push-subscriptions", "Removes Web Push subscriptions that are expired or unused for days_unused.",
    Cron = "0 3 * * 0", Tables = ["public.push_subscriptions"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class CleanupPushSubscriptions(AppDatabase app, Purger purger) : JobHandler<CleanupPushSubscriptions.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Days without use.</summary>
        [Range(1, 36_500), DeletesMoreWhen(Becomes.Lower), Description("Days without use after which a subscription is removed.")]
        public int DaysUnused { get; init; } = 90;
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var now = run.Clock.GetUtcNow();
        var before = now.AddDays(-config.DaysUnused);
        return purger.RunAsync(config, run, cancellation,
            new Purge(app.Source, "public.push_subscriptions", "last_used_at", before),
            // Those that were expired as well went with the first, so that a dry run counts no row twice.
            new Purge(app.Source, "public.push_subscriptions", "expires_at", now) { Also = $"t.last_used_at >= '{before:O}'" });
    }
}
