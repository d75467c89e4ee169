using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using Npgsql;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>An organisation, as leaderboards need it.</summary>
internal sealed record Organisation(long Id, string IngestKey, DateTimeOffset? LeaderboardStaleAt);

/// <summary>What became of a leaderboard.</summary>
/// <param name="Ingested">Signals that are new.</param>
/// <param name="Scored">Entities that have a score.</param>
/// <param name="Materialized">Leaderboards that were written, one for each entity type.</param>
internal sealed record LeaderboardCounts(long Ingested, long Scored, int Materialized);

/// <summary>
/// From signals to leaderboards: ingest, score, materialize, each set-based. For whoever holds the
/// <see cref="LeaderboardLock"/> of the ingest key. Running it again after a death half-way gives the same.
/// </summary>
internal sealed class LeaderboardPipeline(AppDatabase app, LeaderboardConfig config, RunContext run)
{
    /// <summary>The tables that it needs.</summary>
    internal const string Organisations = "public.organisations", Signals = "public.signals", IngestLog = "public.ingest_log",
        Scores = "public.computed_scores", Materializations = "public.leaderboard_materializations";

    /// <summary>The organisation; null when there is none.</summary>
    public async Task<Organisation?> FindAsync(long id, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<Organisation>(new CommandDefinition(
            "SELECT id, ingest_key, leaderboard_stale_at FROM public.organisations WHERE id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>All of it for one organisation; it is fresh then, unless it was marked stale once more meanwhile.</summary>
    public async Task<LeaderboardCounts> RefreshAsync(Organisation organisation, CancellationToken cancellation)
    {
        var ingested = await IngestAsync(organisation, cancellation);
        var counts = await ScoreAsync(organisation, null, cancellation) with { Ingested = ingested };
        await using var connection = await app.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE public.organisations SET leaderboard_stale_at = NULL WHERE id = @Id AND leaderboard_stale_at <= @LeaderboardStaleAt",
            organisation, cancellationToken: cancellation));
        return counts;
    }

    /// <summary>Scores and materializes entity types; null for all that have signals.</summary>
    public async Task<LeaderboardCounts> ScoreAsync(Organisation organisation, string[]? types, CancellationToken cancellation)
    {
        run.ReportProgress(0, note: $"{organisation.IngestKey}: scoring");
        var values = new
        {
            organisation.Id, types, config.Top, now = run.Clock.GetUtcNow(),
            kinds = config.Weights.Keys.ToArray(), weights = config.Weights.Values.ToArray(),
        };
        await using var connection = await app.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var scored = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            """
            WITH scored AS MATERIALIZED (
                SELECT s.entity_type, s.entity_id, sum(s.amount * coalesce(w.weight, 1)) AS score, count(*)::integer AS signals
                  FROM public.signals s LEFT JOIN unnest(@kinds, @weights) AS w(kind, weight) USING (kind)
                 WHERE s.organisation_id = @Id AND (@types::text[] IS NULL OR s.entity_type = ANY(@types))
                 GROUP BY s.entity_type, s.entity_id
            ), gone AS (
                DELETE FROM public.computed_scores c
                 WHERE c.organisation_id = @Id AND (@types::text[] IS NULL OR c.entity_type = ANY(@types))
                   AND NOT EXISTS (SELECT FROM scored s WHERE s.entity_type = c.entity_type AND s.entity_id = c.entity_id)
            ), kept AS (
                INSERT INTO public.computed_scores AS c (organisation_id, entity_type, entity_id, score, signals, computed_at)
                SELECT @Id, entity_type, entity_id, score, signals, @now FROM scored
                ON CONFLICT (organisation_id, entity_type, entity_id) DO UPDATE
                   SET score = excluded.score, signals = excluded.signals, computed_at = excluded.computed_at
                 -- Most entities have nothing new: their rows need not be written again.
                 WHERE (c.score, c.signals) IS DISTINCT FROM (excluded.score, excluded.signals)
            )
            SELECT count(*) FROM scored
            """, values, transaction, commandTimeout: 0, cancellationToken: cancellation));
        await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE public.leaderboard_materializations SET superseded_at = @now
             WHERE organisation_id = @Id AND (@types::text[] IS NULL OR entity_type = ANY(@types)) AND superseded_at IS NULL
            """, values, transaction, cancellationToken: cancellation));
        var materialized = await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO public.leaderboard_materializations (organisation_id, entity_type, ranking, computed_at)
            SELECT @Id, entity_type, jsonb_agg(jsonb_build_object('entity_id', entity_id, 'score', score, 'rank', place) ORDER BY place, entity_id), @now
              FROM (SELECT entity_type, entity_id, score,
                           -- Who has as much has the same place; how many are shown goes by the row.
                           rank() OVER by_score AS place, row_number() OVER (by_score ROWS UNBOUNDED PRECEDING) AS number
                      FROM public.computed_scores
                     WHERE organisation_id = @Id AND (@types::text[] IS NULL OR entity_type = ANY(@types))
                    WINDOW by_score AS (PARTITION BY entity_type ORDER BY score DESC)) AS ranked
             WHERE number <= @Top
             GROUP BY entity_type
            """, values, transaction, commandTimeout: 0, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        return new(0, scored, materialized);
    }

    /// <summary>Reads on from where the log ends, batch by batch.</summary>
    /// <returns>How many signals are new.</returns>
    private async Task<long> IngestAsync(Organisation organisation, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        var now = run.Clock.GetUtcNow();
        var cursor = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            "SELECT coalesce(max(last_source_id), 0) FROM public.ingest_log WHERE organisation_id = @Id AND ingested_at < @reread",
            new { organisation.Id, reread = now.AddMinutes(-config.OverlapMinutes) }, cancellationToken: cancellation));
        long ingested = 0;
        Batch batch;
        do
        {
            cancellation.ThrowIfCancellationRequested();
            batch = await IngestAsync(connection, organisation, cursor, now, cancellation);
            (cursor, ingested) = (batch.Until ?? cursor, ingested + batch.Ingested);
            run.ReportProgress(ingested, note: $"{organisation.IngestKey}: {ingested:N0} signals read");
        }
        while (batch.Looked == config.BatchSize);
        return ingested;
    }

    private async Task<Batch> IngestAsync(NpgsqlConnection connection, Organisation organisation, long cursor, DateTimeOffset now, CancellationToken cancellation)
    {
        var values = new
        {
            organisation.Id, organisation.IngestKey, cursor, now, limit = config.BatchSize,
            oldest = SignalPartitions.MonthOf(now).AddMonths(-config.KeepMonths).ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc),
        };
        var source = $"SELECT * FROM {config.Source} WHERE organisation_id = @Id AND id > @cursor ORDER BY id LIMIT @limit";
        var months = await connection.QueryAsync<DateTime>(new CommandDefinition(
            $"SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC') FROM ({source}) AS s WHERE occurred_at >= @oldest",
            values, commandTimeout: 0, cancellationToken: cancellation));
        await SignalPartitions.EnsureAsync(connection, months.Select(DateOnly.FromDateTime), cancellation);
        // One statement: the signals and the log that says that they were read are one commit.
        return await connection.QuerySingleAsync<Batch>(new CommandDefinition(
            $"""
            WITH batch AS MATERIALIZED ({source}), added AS (
                INSERT INTO public.signals (organisation_id, source_id, entity_type, entity_id, kind, amount, occurred_at)
                SELECT @Id, id, entity_type, entity_id, kind, amount, occurred_at FROM batch WHERE occurred_at >= @oldest
                ON CONFLICT DO NOTHING
                RETURNING 1
            ), counted AS (
                SELECT (SELECT count(*) FROM added) AS ingested, count(*) AS looked, max(id) AS until FROM batch
            ), logged AS (
                INSERT INTO public.ingest_log (organisation_id, ingest_key, last_source_id, signals, ingested_at)
                SELECT @Id, @IngestKey, until, ingested, @now FROM counted WHERE ingested > 0
            )
            SELECT looked, ingested, until FROM counted
            """, values, commandTimeout: 0, cancellationToken: cancellation));
    }

    private sealed record Batch(long Looked, long Ingested, long? Until);
}
