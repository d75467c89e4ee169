using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Sessions;

/// <summary>Deletes sign-ins that have expired.</summary>
[JobHandler("purge-expired-auth-sessions", "Deletes expired auth_sessions, by purge_expired_auth_sessions() where the application has it.",
    Cron = "15 * * * *", Tables = ["public.auth_sessions"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class PurgeExpiredAuthSessions(AppDatabase app, Purger purger) : JobHandler<PurgeExpiredAuthSessions.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig;

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        await new AppFunction(app, "public.purge_expired_auth_sessions()", "SELECT public.purge_expired_auth_sessions()")
            .RunAsync(config.DryRun, null, "deleted", cancellation)
        ?? await purger.RunAsync(config, run, cancellation,
            new Purge(app.Source, "public.auth_sessions", "expires_at", run.Clock.GetUtcNow()));
}
