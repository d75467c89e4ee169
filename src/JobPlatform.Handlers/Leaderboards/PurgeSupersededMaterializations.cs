using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>Deletes leaderboards that newer ones replaced some days ago; never a current one.</summary>
[JobHandler("purge-superseded-materializations", "Deletes superseded leaderboard materializations older than days, by purge_superseded_materializations() where the application has it.",
    Cron = "30 4 * * *", Tables = [LeaderboardPipeline.Materializations], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class PurgeSupersededMaterializations(AppDatabase app, Purger purger) : JobHandler<PurgeSupersededMaterializations.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Days since a newer one took its place.</summary>
        [Range(1, 36_500), DeletesMoreWhen(Becomes.Lower), Description("Days since a newer one took its place after which one is deleted.")]
        public int Days { get; init; } = 7;
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var before = run.Clock.GetUtcNow().AddDays(-config.Days);
        return await new AppFunction(app, "public.purge_superseded_materializations(timestamptz)", "SELECT public.purge_superseded_materializations(@before)")
                   .RunAsync(config.DryRun, new { before }, "deleted", cancellation)
               ?? await purger.RunAsync(config, run, cancellation,
                   new Purge(app.Source, LeaderboardPipeline.Materializations, "superseded_at", before));
    }
}
