using System.Diagnostics;
using Dapper;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Engine;
using JobPlatform.Engine.Postgres;
using JobPlatform.Testing;
using Npgsql;

namespace JobPlatform.Benchmarks;

/// <summary>Runs per second: from a backlog, enqueued one by one and in bulk; history kept.</summary>
internal static class Throughput
{
    public static async Task BacklogAsync(int runs)
    {
        await using var database = await Figures.CreateDatabaseAsync();
        await Figures.FillAsync(database, runs);
        var limit = await DrainByHandAsync(database, runs);

        await using var second = await Figures.CreateDatabaseAsync();
        await Figures.FillAsync(second, runs);
        var allocated = GC.GetTotalAllocatedBytes();
        var start = Stopwatch.GetTimestamp();
        await using (await TestPlatform.StartAsync(second.ConnectionString, options: new EngineOptions()))
        {
            await Figures.WaitAsync(second, "NOT EXISTS (SELECT FROM jobplatform.job_runs WHERE status IN ('queued', 'retrying')) " +
                                            "AND NOT EXISTS (SELECT FROM jobplatform.job_runs WHERE status = 'running')", 5);
            Figures.Print("backlog", "runs/s", Figures.PerSecond(runs, start), limit, $"{runs} no-op runs, 16 at a time, history and statistics kept; start of the worker included");
            Figures.Print("memory allocated", "bytes/run", (double)(GC.GetTotalAllocatedBytes() - allocated) / runs, note: "claim, run and record, with all that the process does meanwhile");
        }
    }

    public static async Task EnqueueOneByOneAsync(int runs)
    {
        await using var database = await Figures.CreateDatabaseAsync();
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false);
        var request = new RunRequest { JobName = "nothing", Trigger = RunTrigger.Api };
        for (var i = 0; i < 100; i++) await platform.Enqueuer.EnqueueAsync(request);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < runs; i++) await platform.Enqueuer.EnqueueAsync(request);
        var ours = Figures.PerSecond(runs, start);

        await using var pool = Figures.Pool(database);
        await using var connection = await pool.OpenConnectionAsync();
        await using var insert = new NpgsqlCommand(
            "INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited) VALUES ($1, 1, 1, 'api', now(), 'default', 5, false)", connection);
        insert.Parameters.Add(new() { Value = Guid.CreateVersion7() });
        await insert.PrepareAsync();
        start = Stopwatch.GetTimestamp();
        for (var i = 0; i < runs; i++)
        {
            insert.Parameters[0].Value = Guid.CreateVersion7();
            await insert.ExecuteNonQueryAsync();
        }
        Figures.Print("enqueue one by one", "runs/s", ours, Figures.PerSecond(runs, start), "one caller; each its own commit");
    }

    public static async Task EnqueueInBulkAsync(int runs)
    {
        const int batch = 5000;
        await using var database = await Figures.CreateDatabaseAsync();
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false);
        var payloads = new System.Text.Json.JsonElement?[batch];
        await platform.Enqueuer.EnqueueManyAsync("nothing", RunTrigger.Api, "bench", payloads);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < runs; i += batch) await platform.Enqueuer.EnqueueManyAsync("nothing", RunTrigger.Api, "bench", payloads);
        var ours = Figures.PerSecond(runs, start);

        await using var connection = await database.OpenAsync();
        await using var insert = new NpgsqlCommand(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited)
            SELECT id, 1, 1, 'api', now(), 'default', 5, false FROM unnest($1::uuid[]) AS g(id)
            """, connection);
        insert.Parameters.Add(new() { Value = Array.Empty<Guid>() });
        start = Stopwatch.GetTimestamp();
        for (var i = 0; i < runs; i += batch)
        {
            insert.Parameters[0].Value = Enumerable.Range(0, batch).Select(_ => Guid.CreateVersion7()).ToArray();
            await insert.ExecuteNonQueryAsync();
        }
        Figures.Print("enqueue in bulk", "runs/s", ours, Figures.PerSecond(runs, start), $"{batch} a call");
    }

    // The same statements as the engine's at their simplest: claim 1000, finish 1000, over and over.
    private static async Task<double> DrainByHandAsync(TestDatabase database, int runs)
    {
        await using var connection = await database.OpenAsync();
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var claimed = (await connection.QueryAsync<Guid>(
                """
                UPDATE jobplatform.job_runs SET status = 'running', started_at = now(), worker = 'hand', attempt = 1, fence = 1
                 WHERE id IN (SELECT id FROM jobplatform.job_runs WHERE status IN ('queued', 'retrying') AND NOT limited AND queue = 'default' AND priority = 5 AND run_at <= now()
                              ORDER BY run_at, id LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING id
                """)).AsList();
            if (claimed.Count == 0) break;
            await connection.ExecuteAsync(
                "UPDATE jobplatform.job_runs SET status = 'success', finished_at = now(), duration_ms = 0 WHERE id = ANY (@claimed)", new { claimed = claimed.ToArray() });
        }
        return Figures.PerSecond(runs, start);
    }
}
