using System.Text.Json;
using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Leaderboards;

/// <summary>A leaderboard as it was computed last. Immutable.</summary>
/// <param name="EntityType">What it ranks, such as <c>user</c>.</param>
/// <param name="ComputedAt">When it was computed.</param>
/// <param name="Ranking">The best in order: <c>[{"entity_id", "score", "rank"}, …]</c>.</param>
public sealed record Leaderboard(string EntityType, DateTimeOffset ComputedAt, JsonElement Ranking);

/// <summary>An organisation's leaderboards. Immutable.</summary>
/// <param name="OrganisationId">The organisation.</param>
/// <param name="StaleSince">Since when there are signals that they do not show; null when they are fresh.</param>
/// <param name="Boards">One for each entity type that has one, by entity type.</param>
public sealed record OrganisationLeaderboards(long OrganisationId, DateTimeOffset? StaleSince, IReadOnlyList<Leaderboard> Boards);

/// <summary>
/// Reads what the leaderboard handlers have computed, from the application's database: whatever the number of signals,
/// a few rows along indexes. Thread-safe.
/// </summary>
public sealed class LeaderboardReader(AppDatabase app)
{
    /// <summary>The most entity types that one run scores.</summary>
    private const int MostTypes = 100;

    /// <summary>The key of the organisation that addresses call so; null when there is none.</summary>
    public async Task<long?> FindOrganisationAsync(string slug, CancellationToken cancellation = default)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<long?>(new CommandDefinition(
            "SELECT id FROM public.organisations WHERE slug = @slug", new { slug }, cancellationToken: cancellation));
    }

    /// <summary>The current leaderboards of the organisation that addresses call so; null when there is none.</summary>
    public async Task<OrganisationLeaderboards?> FindAsync(string slug, CancellationToken cancellation = default)
    {
        await using var connection = await app.OpenAsync(cancellation);
        await using var rows = await connection.QueryMultipleAsync(new CommandDefinition(
            """
            SELECT id, leaderboard_stale_at FROM public.organisations WHERE slug = @slug;
            SELECT m.entity_type, m.computed_at, m.ranking
              FROM public.organisations o JOIN public.leaderboard_materializations m ON m.organisation_id = o.id
             WHERE o.slug = @slug AND m.superseded_at IS NULL
             ORDER BY m.entity_type
            """, new { slug }, cancellationToken: cancellation));
        var organisation = await rows.ReadSingleOrDefaultAsync<(long Id, DateTimeOffset? StaleSince)?>();
        var boards = (await rows.ReadAsync<Leaderboard>()).AsList();
        return organisation is { } found ? new(found.Id, found.StaleSince, boards) : null;
    }

    /// <summary>The entity types that have signals and no current leaderboard, at most a hundred.</summary>
    public async Task<IReadOnlyList<string>> FindUnscoredAsync(long organisationId, CancellationToken cancellation = default)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return (await connection.QueryAsync<string>(new CommandDefinition(
            """
            -- From one type to the next along the index: DISTINCT would read every signal.
            WITH RECURSIVE types AS (
                (SELECT entity_type FROM public.signals WHERE organisation_id = @organisationId ORDER BY entity_type LIMIT 1)
                UNION ALL
                SELECT (SELECT s.entity_type FROM public.signals s
                         WHERE s.organisation_id = @organisationId AND s.entity_type > t.entity_type ORDER BY s.entity_type LIMIT 1)
                  FROM types t WHERE t.entity_type IS NOT NULL
            )
            SELECT entity_type FROM types t
             WHERE entity_type IS NOT NULL
               AND NOT EXISTS (SELECT FROM public.leaderboard_materializations m
                                WHERE m.organisation_id = @organisationId AND m.entity_type = t.entity_type AND m.superseded_at IS NULL)
             LIMIT @MostTypes
            """, new { organisationId, MostTypes }, cancellationToken: cancellation))).AsList();
    }
}
