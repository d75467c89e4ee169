#if HANGFIRE_ENGINE
using System.Diagnostics;
using System.Text.Json;
using Dapper;
using Hangfire;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>Raw Hangfire, the platform on Hangfire and the platform embedded, in one run.</summary>
internal static class EngineComparison
{
    /// <summary>Far apart enough that no engine has a backlog.</summary>
    public static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(50);

    public static async Task ThroughputAsync(int runs)
    {
        await BacklogAsync(runs);
        await EnqueueAsync(runs);
    }

    public static async Task<List<double>> ReadAsync(TestDatabase database, string sql)
    {
        await using var connection = await database.OpenAsync();
        return (await connection.QueryAsync<double>(sql)).AsList();
    }

    // All is in the queues when the clock starts; 16 workers.
    private static async Task BacklogAsync(int runs)
    {
        await using (var database = await Figures.CreateDatabaseAsync())
        {
            await using var raw = new RawHangfire(database.ConnectionString);
            var client = new BackgroundJobClient(raw.CreateStorage());
            for (var i = 0; i < runs; i++) client.Enqueue(() => RawHangfire.Nothing());
            var start = Stopwatch.GetTimestamp();
            using (raw.Open())
            {
                await Figures.WaitAsync(database, "NOT EXISTS (SELECT FROM jobplatform_hangfire.job WHERE statename <> 'Succeeded')");
                Print("backlog", "jobs/s", "raw hangfire", Figures.PerSecond(runs, start));
            }
        }
        foreach (var engine in Engines.Built.Reverse())
        {
            await using var database = await Figures.CreateDatabaseAsync();
            await Figures.FillAsync(database, runs);
            if (engine == EngineKind.Hangfire) await HandOverAsync(database, runs);
            var start = Stopwatch.GetTimestamp();
            await using (await TestPlatform.StartAsync(database.ConnectionString, options: new EngineOptions(), engine: engine))
            {
                await Figures.WaitAsync(database, "NOT EXISTS (SELECT FROM jobplatform.job_runs WHERE finished_at IS NULL)");
                Print("backlog", "runs/s", $"platform on {engine}", Figures.PerSecond(runs, start));
            }
        }
    }

    // By a worker of another queue, which executes none of them.
    private static async Task HandOverAsync(TestDatabase database, int runs)
    {
        var start = Stopwatch.GetTimestamp();
        await using (await TestPlatform.StartAsync(database.ConnectionString, options: new EngineOptions { Queues = ["elsewhere"] }, engine: EngineKind.Hangfire))
        {
            await Figures.WaitAsync(database, "NOT EXISTS (SELECT FROM jobplatform.job_runs WHERE engine_ref IS NULL)");
            Print("hand-over of a backlog to Hangfire", "runs/s", "platform on Hangfire", Figures.PerSecond(runs, start), "one process");
        }
    }

    private static async Task EnqueueAsync(int runs)
    {
        await using (var database = await Figures.CreateDatabaseAsync())
        {
            await using var raw = new RawHangfire(database.ConnectionString);
            var client = new BackgroundJobClient(raw.CreateStorage());
            for (var i = 0; i < 100; i++) client.Enqueue(() => RawHangfire.Nothing());
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < runs; i++) client.Enqueue(() => RawHangfire.Nothing());
            Print("enqueue one by one", "jobs/s", "raw hangfire", Figures.PerSecond(runs, start));
        }
        foreach (var engine in Engines.Built.Reverse())
        {
            await using var database = await Figures.CreateDatabaseAsync();
            await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false, engine: engine);
            var request = new RunRequest { JobName = "nothing", Trigger = RunTrigger.Api };
            for (var i = 0; i < 100; i++) await platform.Enqueuer.EnqueueAsync(request);
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < runs; i++) await platform.Enqueuer.EnqueueAsync(request);
            Print("enqueue one by one", "runs/s", $"platform on {engine}", Figures.PerSecond(runs, start),
                engine == EngineKind.Hangfire ? "committed; the hand-over to Hangfire follows" : null);
        }
    }

    public static async Task LatencyAsync(int runs)
    {
        await using (var database = await Figures.CreateDatabaseAsync())
            Print("raw hangfire", await RawHangfire.MeasureLatencyAsync(database, runs));
        foreach (var engine in Engines.Built.Reverse())
        {
            await using var database = await Figures.CreateDatabaseAsync();
            await using var worker = await WorkerProcess.StartAsync(database.ConnectionString, engine: engine);
            await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false, engine: engine);
            await platform.WaitForEndAsync(await platform.EnqueueAsync("nothing"));
            for (var i = 0; i < runs + 50; i++)
            {
                await platform.EnqueueAsync("nothing");
                await Task.Delay(Apart, TimeProvider.System, CancellationToken.None);
            }
            await Figures.WaitAsync(database, "NOT EXISTS (SELECT FROM jobplatform.job_runs WHERE finished_at IS NULL)");
            Print($"platform on {engine}", await ReadAsync(database,
                "SELECT (extract(epoch FROM started_at - created_at) * 1000)::float8 FROM (SELECT * FROM jobplatform.job_runs ORDER BY id OFFSET 51) r"));
        }
    }

    private static void Print(string what, List<double> latencies)
    {
        Print("latency p50", "ms", what, Figures.Percentile(latencies, 0.5), "enqueue to start in another process, one each 50 ms");
        Print("latency p99", "ms", what, Figures.Percentile(latencies, 0.99));
    }

    private static void Print(string figure, string unit, string what, double value, string? note = null) =>
        Console.WriteLine(JsonSerializer.Serialize(new { figure, unit, what, value = Math.Round(value, 1), note }));
}
#endif
