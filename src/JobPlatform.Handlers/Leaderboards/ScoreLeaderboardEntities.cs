using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>What the application says when it answered before all entity types were scored.</summary>
[EventType("leaderboard.scored_partially", "A fast response left out entity types of a leaderboard.")]
public sealed record LeaderboardScoredPartially
{
    /// <summary>The organisation.</summary>
    [Description("The organisation.")]
    public required long OrganisationId { get; init; }

    /// <summary>What was left out.</summary>
    [Description("The entity types that were left out, such as [\"team\"].")]
    public required string[] EntityTypes { get; init; }
}

/// <summary>Scores the entity types that a fast response left out, from the signals that are there.</summary>
[JobHandler("score-leaderboard-entities", "Scores the entity types that a fast response left out.",
    Tables = [LeaderboardPipeline.Organisations, LeaderboardPipeline.Signals, LeaderboardPipeline.Scores, LeaderboardPipeline.Materializations])]
[OnEvent<LeaderboardScoredPartially>]
public sealed class ScoreLeaderboardEntities(AppDatabase app) : JobHandler<ScoreLeaderboardEntities.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : LeaderboardConfig
    {
        /// <summary>The organisation.</summary>
        [Required, Description("The organisation.")]
        public long? OrganisationId { get; init; }

        /// <summary>What is scored.</summary>
        [Required, MinLength(1), MaxLength(100), Description("The entity types, such as [\"team\"].")]
        public string[]? EntityTypes { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var pipeline = new LeaderboardPipeline(app, config, run);
        if (await pipeline.FindAsync(config.OrganisationId!.Value, cancellation) is not { } organisation)
            return RunOutcome.FailForGood($"organisation_id: there is no organisation {config.OrganisationId}.");
        await using var held = await LeaderboardLock.TryTakeAsync(app, organisation.IngestKey, cancellation);
        // Who holds it scores all types.
        if (held is null) return RunOutcome.SkipAsOverlap(new { @lock = LeaderboardLock.NameOf(organisation.IngestKey) });
        var counts = await pipeline.ScoreAsync(organisation, config.EntityTypes, cancellation);
        return RunOutcome.Success(new { counts.Scored, counts.Materialized });
    }
}
