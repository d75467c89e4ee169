using System.ComponentModel;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>What the application says when a leaderboard no longer shows all signals.</summary>
[EventType("leaderboard.stale", "An organisation has signals that its leaderboard does not show.")]
public sealed record LeaderboardStale
{
    /// <summary>The organisation.</summary>
    [Description("The organisation.")]
    public required long OrganisationId { get; init; }
}

/// <summary>
/// Brings leaderboards up to date: of one organisation, or of all that are stale. One whose ingest key is at work
/// elsewhere is skipped.
/// </summary>
[JobHandler("refresh-leaderboard", "Ingests new signals, computes scores and writes new leaderboards: of one organisation, or of all stale ones.",
    Cron = "*/15 * * * *", TimeoutSeconds = 300,
    Tables = [LeaderboardPipeline.Organisations, LeaderboardPipeline.Signals, LeaderboardPipeline.IngestLog, LeaderboardPipeline.Scores, LeaderboardPipeline.Materializations])]
[OnEvent<LeaderboardStale>]
public sealed class RefreshLeaderboard(AppDatabase app) : JobHandler<RefreshLeaderboard.Config>
{
    private const int PageSize = 100;

    /// <summary>What can be set.</summary>
    public sealed record Config : LeaderboardConfig
    {
        /// <summary>The organisation; null for all that are stale.</summary>
        [Description("The organisation; null for all that are stale.")]
        public long? OrganisationId { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var pipeline = new LeaderboardPipeline(app, config, run);
        if (config.OrganisationId is not { } id) return await RefreshStaleAsync(pipeline, cancellation);
        if (await pipeline.FindAsync(id, cancellation) is not { } organisation)
            return RunOutcome.FailForGood($"organisation_id: there is no organisation {id}.");
        return await TryRefreshAsync(pipeline, organisation, cancellation) is { } counts
            ? RunOutcome.Success(counts)
            : RunOutcome.SkipAsOverlap(new { @lock = LeaderboardLock.NameOf(organisation.IngestKey) });
    }

    private async Task<RunOutcome> RefreshStaleAsync(LeaderboardPipeline pipeline, CancellationToken cancellation)
    {
        var (refreshed, ingested, skipped) = (0, 0L, new List<string>());
        var after = 0L;
        List<Organisation> page;
        do
        {
            await using (var connection = await app.OpenAsync(cancellation))
                page = (await connection.QueryAsync<Organisation>(new CommandDefinition(
                    """
                    SELECT id, ingest_key, leaderboard_stale_at FROM public.organisations
                     WHERE leaderboard_stale_at IS NOT NULL AND id > @after ORDER BY id LIMIT @PageSize
                    """, new { after, PageSize }, cancellationToken: cancellation))).AsList();
            foreach (var organisation in page)
            {
                after = organisation.Id;
                if (await TryRefreshAsync(pipeline, organisation, cancellation) is { } counts)
                    (refreshed, ingested) = (refreshed + 1, ingested + counts.Ingested);
                else
                    skipped.Add(LeaderboardLock.NameOf(organisation.IngestKey));
            }
        }
        while (page.Count == PageSize);
        return RunOutcome.Success(new { refreshed, ingested, skipped });
    }

    private async Task<LeaderboardCounts?> TryRefreshAsync(LeaderboardPipeline pipeline, Organisation organisation, CancellationToken cancellation)
    {
        await using var held = await LeaderboardLock.TryTakeAsync(app, organisation.IngestKey, cancellation);
        return held is null ? null : await pipeline.RefreshAsync(organisation, cancellation);
    }
}
