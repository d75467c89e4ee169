using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace JobPlatform.Core.Handlers.Purging;

/// <summary>What every handler that deletes in batches can be told.</summary>
public abstract record PurgeConfig
{
    /// <summary>The most rows in one transaction; fewer where these take longer than 50 ms. Default 50,000.</summary>
    [Range(1, 100_000), Description("The most rows deleted in one transaction; it takes fewer where these would take long.")]
    public int BatchSize { get; init; } = 50_000;

    /// <summary>The most rows that one run deletes, in all tables together; null for all that are due.</summary>
    [Range(1, long.MaxValue), DeletesMoreWhen(Becomes.Higher), Description("The most rows that one run deletes, in all tables together; the rest is the next run's.")]
    public long? MaxRows { get; init; }

    /// <summary>Counts instead of deleting.</summary>
    [DeletesMoreWhen(Becomes.False), Description("Change nothing; report what would be deleted.")]
    public bool DryRun { get; init; }

    /// <summary>How many times the usual number a run may delete before it stops for safety. Default 20; null for any.</summary>
    [Range(2, 1_000_000), DeletesMoreWhen(Becomes.Higher), Description("A run about to delete more than this many times the mean of the last ten runs stops, until a run confirms it. Null: never.")]
    public int? SafetyFactor { get; init; } = 20;

    /// <summary>Fewer rows never stop a run. Default 10,000.</summary>
    [Range(0, long.MaxValue), DeletesMoreWhen(Becomes.Higher), Description("A run about to delete at most this many rows never stops for safety.")]
    public long SafetyRows { get; init; } = 10_000;

    /// <summary>Counts only in a run's payload, so that a job's config cannot switch the safety stop off by accident.</summary>
    [Description("In a run's payload only: go on although it is many times the usual.")]
    public bool Confirm { get; init; }
}
