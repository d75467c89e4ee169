using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Blobs;

/// <summary>Deletes blobs that no row names and that are not new: what events missed.</summary>
[JobHandler("sweep-orphan-blobs", "Deletes stored blobs that no row references and that are older than hours.",
    Cron = "30 5 * * *", Tables = [BlobCleaner.Attachments, BlobCleaner.ProjectFiles], Settings = ["BLOB_URL"], IsDestructive = true, TimeoutSeconds = 3600)]
public sealed class SweepOrphanBlobs(BlobCleaner cleaner) : JobHandler<SweepOrphanBlobs.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Hours that a blob is left alone after it was stored.</summary>
        [Range(1, 87_600), DeletesMoreWhen(Becomes.Lower), Description("Hours after it was stored for which a blob without a row is left alone: its row may not be committed yet.")]
        public int Hours { get; init; } = 24;
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        cleaner.RunAsync([null], run.Clock.GetUtcNow().AddHours(-config.Hours), config, run, cancellation);
}
