using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Sessions;

/// <summary>Deletes chat sessions that nobody has used for a while.</summary>
[JobHandler("cleanup-sessions", "Deletes chat sessions whose last activity is older than days_to_keep.",
    Cron = "0 2 * * *", Tables = ["public.chat_sessions"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class CleanupSessions(AppDatabase app, Purger purger) : JobHandler<CleanupSessions.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Days since the last activity.</summary>
        [Range(1, 36_500), DeletesMoreWhen(Becomes.Lower), Description("Days since the last activity after which a session is deleted.")]
        public int DaysToKeep { get; init; } = 30;
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        purger.RunAsync(config, run, cancellation,
            new Purge(app.Source, "public.chat_sessions", "updated_at", run.Clock.GetUtcNow().AddDays(-config.DaysToKeep)));
}
