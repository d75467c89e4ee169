using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Sessions;

/// <summary>
/// Deletes the application's own sessions that have expired. Many products do that only when somebody signs in, so that
/// rows pile up.
/// </summary>
[JobHandler("cleanup-expired-sessions", "Deletes the application's expired sessions, by cleanup_expired_sessions() where the application has it.",
    Cron = "45 * * * *", Tables = ["public.sessions"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class CleanupExpiredSessions(AppDatabase app, Purger purger) : JobHandler<CleanupExpiredSessions.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig;

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        await new AppFunction(app, "public.cleanup_expired_sessions()", "SELECT public.cleanup_expired_sessions()")
            .RunAsync(config.DryRun, null, "deleted", cancellation)
        ?? await purger.RunAsync(config, run, cancellation,
            new Purge(app.Source, "public.sessions", "expires_at", run.Clock.GetUtcNow()));
}
