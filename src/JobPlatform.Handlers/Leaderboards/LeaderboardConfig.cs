using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>How leaderboards are made; the same in every handler that makes them.</summary>
public abstract record LeaderboardConfig : IValidatableObject
{
    /// <summary>The table that signals are read from; it has the columns of the sample's <c>activities</c>.</summary>
    [Required, RegularExpression("^[a-z_][a-z0-9_]{0,62}\\.[a-z_][a-z0-9_]{0,62}\\z"), Description("The table that signals are read from, as schema.table in lower case.")]
    public string Source { get; init; } = "public.activities";

    /// <summary>What one signal of a kind is worth; kinds that are not named are worth 1.</summary>
    [Required, Description("What one signal of a kind is worth, such as {\"document\": 5}; kinds that are not named are worth 1.")]
    public Dictionary<string, double> Weights { get; init; } = [];

    /// <summary>Places of a leaderboard that are shown. Default 100.</summary>
    [Range(1, 10_000), Description("How many places of a leaderboard are materialized.")]
    public int Top { get; init; } = 100;

    /// <summary>Signals read in one transaction. Default 20,000.</summary>
    [Range(1, 1_000_000), Description("Signals read in one transaction.")]
    public int BatchSize { get; init; } = 20_000;

    /// <summary>
    /// Minutes that reading goes back over what it has read: a transaction that was under way then may have added rows
    /// with lower keys since. Default 10, more than an application's transactions last.
    /// </summary>
    [Range(0, 1440), Description("Minutes of reading that are looked at again, for rows of transactions that were still under way.")]
    public int OverlapMinutes { get; init; } = 10;

    /// <summary>Months of signals; older rows of the source are not read. Default 12, as drop-old-signals-partitions keeps them.</summary>
    [Range(1, 1200), DeletesMoreWhen(Becomes.Lower), Description("Months of signals that count.")]
    public int KeepMonths { get; init; } = 12;

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Weights?.Any(weight => !double.IsFinite(weight.Value)) == true)
            yield return new ValidationResult("A weight must be a finite number.", [nameof(Weights)]);
    }
}
