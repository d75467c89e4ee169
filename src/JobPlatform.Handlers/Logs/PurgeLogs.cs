using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Handlers.Logs;

/// <summary>Deletes what the platform and the application wrote down long ago.</summary>
[JobHandler("purge-logs", "Deletes admin_logs, ai_requests, ended job_runs, events, ended e-mails, alerts and old versions of jobs, each older than days_to_keep.",
    Cron = "0 4 * * *", IsDestructive = true, TimeoutSeconds = 3600)]
public sealed partial class PurgeLogs(PlatformDatabase platform, AppDatabase app, Purger purger) : JobHandler<PurgeLogs.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Days that rows are kept.</summary>
        [Range(1, 36_500), DeletesMoreWhen(Becomes.Lower), Description("Days that rows are kept.")]
        public int DaysToKeep { get; init; } = 90;
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var before = run.Clock.GetUtcNow().AddDays(-config.DaysToKeep);
        var purges = new List<Purge>
        {
            // The service may delete from the audit log in no other way.
            new(platform.Source, "jobplatform.admin_logs", "created_at", before) { DeleteSql = "SELECT jobplatform.purge_admin_logs(@before, @limit)" },
            new(platform.Source, "jobplatform.job_runs", "finished_at", before),
            // With them goes the memory of the events' ids: one that is told again after that long counts as new.
            new(platform.Source, "jobplatform.events", "created_at", before),
            new(platform.Source, "jobplatform.pending_emails", "updated_at", before) { Also = "t.status IN ('sent', 'failed', 'canceled')" },
            new(platform.Source, "jobplatform.alerts", "closed_at", before),
            new(platform.Source, "jobplatform.alert_silences", "ends_at", before),
            // The version in force stays, however old it is.
            new(platform.Source, "jobplatform.job_versions", "changed_at", before)
            {
                AlsoElsewhere = "t.is_deleted OR EXISTS (SELECT FROM jobplatform.job_versions n WHERE n.job_id = t.job_id AND n.version > t.version)",
            },
        };
        // Not a needed table: an application without it still wants the platform's own history purged.
        if ((await app.FindMissingAsync(["public.ai_requests"], cancellation)).Count > 0)
            LogNoAiRequests(run.Logger);
        else
            purges.Insert(1, new(app.Source, "public.ai_requests", "created_at", before));
        return await purger.RunAsync(config, run, cancellation, purges);
    }

    [LoggerMessage(5101, LogLevel.Information, "The application's database has no table public.ai_requests; nothing to purge there")]
    private static partial void LogNoAiRequests(ILogger logger);
}
