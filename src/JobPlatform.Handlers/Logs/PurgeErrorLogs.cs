using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;
using JobPlatform.Core.Settings;

namespace JobPlatform.Handlers.Logs;

/// <summary>Deletes the platform's own old errors and warnings.</summary>
[JobHandler("purge-error-logs", "Deletes error_logs older than LOGS_RETENTION_DAYS.",
    Cron = "0 3 * * *", Gate = "LOGS_ENABLED=true", IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class PurgeErrorLogs(PlatformDatabase platform, LogRetention retention, Purger purger) : JobHandler<PurgeErrorLogs.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Days that rows are kept; null for the setting.</summary>
        [Range(1, 36_500), DeletesMoreWhen(Becomes.Lower), Description("Days that rows are kept; null for the setting LOGS_RETENTION_DAYS.")]
        public int? DaysToKeep { get; init; }
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        purger.RunAsync(config, run, cancellation,
            new Purge(platform.Source, "jobplatform.error_logs", "created_at", run.Clock.GetUtcNow().AddDays(-(config.DaysToKeep ?? retention.Days))));
}
