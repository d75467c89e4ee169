using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Accounts;

/// <summary>Removes invitations that nobody answered in time; answered ones are the workspace's history.</summary>
[JobHandler("cleanup-invitations", "Removes pending workspace invitations that have expired.",
    Cron = "0 3 * * *", Tables = ["public.workspace_invitations"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class CleanupInvitations(AppDatabase app, Purger purger) : JobHandler<CleanupInvitations.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig;

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        purger.RunAsync(config, run, cancellation,
            new Purge(app.Source, "public.workspace_invitations", "expires_at", run.Clock.GetUtcNow()) { Also = "t.status = 'pending'" });
}
