using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Redis;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>
/// Throws away what was computed for an organisation and computes it anew. In production, where the leaderboard would be
/// gone meanwhile, only with <c>ENABLE_DEBUG_ROUTES</c> and for a person, not for a client, an event or SQL. The cached keys
/// are those of the application in Redis: <c>leaderboard:{organisation id}:…</c>.
/// </summary>
[JobHandler("recompute-leaderboard", "Deletes an organisation's cached keys, signals, ingest log, materializations and scores, then refreshes its leaderboard.",
    IsDestructive = true, TimeoutSeconds = 300,
    Tables = [LeaderboardPipeline.Organisations, LeaderboardPipeline.Signals, LeaderboardPipeline.IngestLog, LeaderboardPipeline.Scores, LeaderboardPipeline.Materializations])]
public sealed class RecomputeLeaderboard(AppDatabase app, IConfiguration settings, IServiceProvider services) : JobHandler<RecomputeLeaderboard.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : LeaderboardConfig
    {
        /// <summary>The organisation.</summary>
        [Required, Description("The organisation.")]
        public long? OrganisationId { get; init; }

        /// <summary>Whether signals are read anew; if not, they and the ingest log stay.</summary>
        [DeletesMoreWhen(Becomes.True), Description("Also delete the signals and the ingest log, and read the signals anew.")]
        public bool Reingest { get; init; } = true;

        /// <summary>Counts instead of deleting.</summary>
        [DeletesMoreWhen(Becomes.False), Description("Change nothing; report what would be deleted.")]
        public bool DryRun { get; init; }
    }

    // The key tells an organisation's rows apart and leads an index behind it: rows of a partitioned table have no place
    // of their own that could.
    private static readonly (string Table, string Key)[] Computed =
    [
        (LeaderboardPipeline.Materializations, "id"), (LeaderboardPipeline.Scores, "entity_type, entity_id"),
    ];

    private static readonly (string Table, string Key)[] Read =
    [
        // The log first: what it no longer names is read again, whenever this ends.
        (LeaderboardPipeline.IngestLog, "id"), (LeaderboardPipeline.Signals, "occurred_at, source_id"),
    ];

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        if (!IsAllowed(run))
            return RunOutcome.FailForGood("recompute-leaderboard does not run in production: the leaderboard would be gone meanwhile. Use refresh-leaderboard; or set ENABLE_DEBUG_ROUTES=true and let an admin ask for it.");
        var pipeline = new LeaderboardPipeline(app, config, run);
        if (await pipeline.FindAsync(config.OrganisationId!.Value, cancellation) is not { } organisation)
            return RunOutcome.FailForGood($"organisation_id: there is no organisation {config.OrganisationId}.");
        await using var held = await LeaderboardLock.TryTakeAsync(app, organisation.IngestKey, cancellation);
        if (held is null) return RunOutcome.SkipAsOverlap(new { @lock = LeaderboardLock.NameOf(organisation.IngestKey) });

        var deleted = new Dictionary<string, long>();
        foreach (var (table, key) in config.Reingest ? [.. Computed, .. Read] : Computed)
            deleted[table["public.".Length..]] = await DeleteAsync(table, key, organisation.Id, config, run, cancellation);
        if (services.GetService<RedisServer>() is { } redis) deleted["cached_keys"] = await DeleteCachedAsync(redis, organisation.Id, config.DryRun, cancellation);
        if (config.DryRun) return RunOutcome.Success(new { dry_run = true, would_delete = deleted });
        var counts = config.Reingest ? await pipeline.RefreshAsync(organisation, cancellation) : await pipeline.ScoreAsync(organisation, null, cancellation);
        return RunOutcome.Success(new { deleted, counts.Ingested, counts.Scored, counts.Materialized });
    }

    private bool IsAllowed(RunContext run) =>
        "Development".Equals(settings["ENVIRONMENT"], StringComparison.OrdinalIgnoreCase)
        || (run.Trigger == RunTrigger.Manual && "true".Equals(settings["ENABLE_DEBUG_ROUTES"], StringComparison.OrdinalIgnoreCase));

    private async Task<long> DeleteAsync(string table, string key, long id, Config config, RunContext run, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        if (config.DryRun)
            return await connection.ExecuteScalarAsync<long>(new CommandDefinition(
                $"SELECT count(*) FROM {table} WHERE organisation_id = @id", new { id }, commandTimeout: 0, cancellationToken: cancellation));
        // Up to the batch's last row along the key: a list of keys would be looked up in every partition, each time.
        var upToLast = $"DELETE FROM {table} WHERE organisation_id = @id AND ({key}) <= (SELECT {key} FROM {table} WHERE organisation_id = @id ORDER BY {key} OFFSET @BatchSize - 1 LIMIT 1)";
        long deleted = 0;
        while (await ExecuteAsync(upToLast) is > 0 and var batch)
        {
            deleted += batch;
            run.ReportProgress(deleted, note: $"{table}: {deleted:N0} rows deleted");
        }
        // Fewer than a batch are left.
        return deleted + await ExecuteAsync($"DELETE FROM {table} WHERE organisation_id = @id");

        Task<int> ExecuteAsync(string sql) => connection.ExecuteAsync(new CommandDefinition(sql, new { id, config.BatchSize }, cancellationToken: cancellation));
    }

    private static async Task<long> DeleteCachedAsync(RedisServer server, long id, bool dryRun, CancellationToken cancellation)
    {
        await using var redis = await RedisConnection.OpenAsync(server, cancellation);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var key in redis.ScanAsync($"leaderboard:{id}:*", cancellation))
            if (seen.Add(key) && !dryRun) await redis.SendAsync(cancellation, "UNLINK", key);
        return seen.Count;
    }
}
