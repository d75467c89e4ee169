using System.Diagnostics;
using Dapper;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>From enqueue in one process to the handler's start in another.</summary>
internal static class Latency
{
    public static async Task MeasureAsync(int runs)
    {
        await using var database = await Figures.CreateDatabaseAsync();
        await using var worker = await WorkerProcess.StartAsync(database.ConnectionString);
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false);
        for (var i = 0; i < 50; i++) await platform.WaitForEndAsync(await platform.EnqueueAsync("nothing"));
        await database.ExecuteAsync("DELETE FROM jobplatform.job_runs");
        for (var i = 0; i < runs; i++)
        {
            await platform.EnqueueAsync("nothing");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, CancellationToken.None);
        }
        await Figures.WaitAsync(database, "NOT EXISTS (SELECT FROM jobplatform.job_runs WHERE finished_at IS NULL)");
        await using var connection = await database.OpenAsync();
        // created_at is the moment before the insert, started_at the moment the handler is called, both by the
        // database's clock, which both processes keep within a fraction of a millisecond.
        var waits = (await connection.QueryAsync<double>("SELECT extract(epoch FROM started_at - created_at) * 1000 FROM jobplatform.job_runs")).AsList();
        Figures.Print("latency p50", "ms", Figures.Percentile(waits, 0.5), note: "enqueue to handler start, two processes, one at a time");
        Figures.Print("latency p99", "ms", Figures.Percentile(waits, 0.99));
    }
}
