using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Handlers.Logs;

/// <summary>Deletes what the platform and the application wrote down long ago.</summary>
[JobHandler("purge-logs", "Deletes admin_logs, ai_requests and ended job_runs older than days_to_keep.",
    Cron = "0 4 * * *", IsDestructive = true, TimeoutSeconds = 3600)]
public sealed partial class PurgeLogs(PlatformDatabase platform, AppDatabase app) : JobHandler<PurgeLogs.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Days that rows are kept.</summary>
        [Range(1, 36_500), Description("Days that rows are kept.")]
        public int DaysToKeep { get; init; } = 90;
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        // max_rows is the run's: what one table used up is no longer there for the next.
        var left = config;
        var before = run.Clock.GetUtcNow().AddDays(-config.DaysToKeep);
        var adminLogs = await new Purge(platform.Source, "admin_logs",
            "SELECT count(*) FROM jobplatform.admin_logs WHERE created_at < @before",
            // The service may delete from the audit log in no other way.
            "SELECT jobplatform.purge_admin_logs(@before, @limit)").RunAsync(left, before, run, cancellation);
        left = left with { MaxRows = left.MaxRows - adminLogs };

        long? aiRequests = null;
        // Not a needed table: an application without it still wants the platform's own history purged.
        if ((await app.FindMissingAsync(["public.ai_requests"], cancellation)).Count > 0)
            LogNoAiRequests(run.Logger);
        else
            aiRequests = await new Purge(app.Source, "ai_requests",
                "SELECT count(*) FROM public.ai_requests WHERE created_at < @before",
                """
                WITH deleted AS (
                    DELETE FROM public.ai_requests
                     WHERE id IN (SELECT id FROM public.ai_requests WHERE created_at < @before ORDER BY created_at LIMIT @limit)
                    RETURNING 1)
                SELECT count(*) FROM deleted
                """).RunAsync(left, before, run, cancellation);
        left = left with { MaxRows = left.MaxRows - (aiRequests ?? 0) };

        var jobRuns = await new Purge(platform.Source, "job_runs",
            "SELECT count(*) FROM jobplatform.job_runs WHERE finished_at < @before",
            """
            WITH deleted AS (
                DELETE FROM jobplatform.job_runs
                 WHERE id IN (SELECT id FROM jobplatform.job_runs WHERE finished_at < @before ORDER BY finished_at LIMIT @limit)
                RETURNING 1)
            SELECT count(*) FROM deleted
            """).RunAsync(left, before, run, cancellation);

        var counts = new { admin_logs = adminLogs, ai_requests = aiRequests, job_runs = jobRuns };
        return config.DryRun
            ? RunOutcome.Success(new { dry_run = true, would_delete = counts })
            : RunOutcome.Success(new { deleted = adminLogs + (aiRequests ?? 0) + jobRuns, counts.admin_logs, counts.ai_requests, counts.job_runs });
    }

    [LoggerMessage(5101, LogLevel.Information, "The application's database has no table public.ai_requests; nothing to purge there")]
    private static partial void LogNoAiRequests(ILogger logger);
}
