using System.Diagnostics;
using Dapper;
using JobPlatform.Core.Handlers;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>Rows a second of a purge in batches, beside one plain DELETE of as many.</summary>
internal static class PurgeSpeed
{
    private const string Fill =
        """
        DROP TABLE IF EXISTS rows_to_purge;
        CREATE TABLE rows_to_purge (id bigint PRIMARY KEY, updated_at timestamptz NOT NULL, text text NOT NULL);
        INSERT INTO rows_to_purge SELECT n, now() - n * interval '1 second', repeat('x', 100) FROM generate_series(1, @rows) n;
        CREATE INDEX ON rows_to_purge (updated_at);
        ANALYZE rows_to_purge
        """;

    private const string DeleteBatch =
        """
        WITH deleted AS (
            DELETE FROM rows_to_purge WHERE id IN (SELECT id FROM rows_to_purge WHERE updated_at < @before ORDER BY updated_at LIMIT @limit)
            RETURNING 1)
        SELECT count(*) FROM deleted
        """;

    public static async Task MeasureAsync(int rows)
    {
        await using var database = await Figures.CreateDatabaseAsync();
        await using var pool = Figures.Pool(database);
        await using var connection = await pool.OpenConnectionAsync();
        await connection.ExecuteAsync(Fill, new { rows }, commandTimeout: 0);
        var start = Stopwatch.GetTimestamp();
        await connection.ExecuteAsync("DELETE FROM rows_to_purge WHERE updated_at < now()", commandTimeout: 0);
        var plain = Figures.PerSecond(rows, start);

        await connection.ExecuteAsync(Fill, new { rows }, commandTimeout: 0);
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString);
        PurgeProbe.Purge = new Purge(pool, "public.rows_to_purge", "updated_at", DateTimeOffset.MaxValue);
        await database.AddJobAsync("purge", "purge-probe");
        start = Stopwatch.GetTimestamp();
        await platform.WaitForEndAsync(await platform.EnqueueAsync("purge"), 300);
        Figures.Print("purge", "rows/s", Figures.PerSecond(rows, start), plain, $"{rows:N0} rows, 1,000 a transaction, beside one DELETE");
    }
}

/// <summary>Runs the purge that the benchmark set up.</summary>
[JobHandler("purge-probe", "Purges what the benchmark made.")]
internal sealed class PurgeProbe : JobHandler<PurgeProbe.Config>
{
    public sealed record Config : PurgeConfig;

    public static Purge? Purge { get; set; }

    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        RunOutcome.Success(new { deleted = await Purge!.RunAsync(config, run.Clock.GetUtcNow(), run, cancellation) });
}
