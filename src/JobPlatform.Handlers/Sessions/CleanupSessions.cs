using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Sessions;

/// <summary>Deletes chat sessions that nobody has used for a while.</summary>
[JobHandler("cleanup-sessions", "Deletes chat sessions whose last activity is older than days_to_keep.",
    Cron = "0 2 * * *", Tables = ["public.chat_sessions"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class CleanupSessions(AppDatabase app) : JobHandler<CleanupSessions.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Days since the last activity.</summary>
        [Range(1, 36_500), Description("Days since the last activity after which a session is deleted.")]
        public int DaysToKeep { get; init; } = 30;
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var purge = new Purge(app.Source, "chat_sessions",
            "SELECT count(*) FROM public.chat_sessions WHERE updated_at < @before",
            // The age is checked again on the locked row: a session that comes back to life meanwhile stays.
            """
            WITH deleted AS (
                DELETE FROM public.chat_sessions
                 WHERE id IN (SELECT id FROM public.chat_sessions WHERE updated_at < @before ORDER BY updated_at LIMIT @limit)
                   AND updated_at < @before
                RETURNING 1)
            SELECT count(*) FROM deleted
            """);
        var deleted = await purge.RunAsync(config, run.Clock.GetUtcNow().AddDays(-config.DaysToKeep), run, cancellation);
        return config.DryRun ? RunOutcome.Success(new { dry_run = true, would_delete = deleted }) : RunOutcome.Success(new { deleted });
    }
}
