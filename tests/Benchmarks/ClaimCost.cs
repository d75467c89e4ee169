using System.Diagnostics;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Engine.Postgres;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>What a claim of 100 runs costs as the backlog grows, with runs that are due later, and under dead rows.</summary>
internal static class ClaimCost
{
    public static async Task MeasureAsync()
    {
        foreach (var backlog in new[] { 1_000, 10_000, 100_000, 1_000_000 })
            await MeasureAsync($"claim of 100 from {backlog:N0} queued", backlog);
        await MeasureAsync("claim of 100 from 1,000 queued beside 1,000,000 that are due tomorrow", 1_000, later: 1_000_000);
        await MeasureAsync("claim of 100 from 100,000 queued over 300,000 dead rows that a long transaction keeps", 100_000, dead: 300_000);
    }

    private static async Task MeasureAsync(string figure, int backlog, int later = 0, int dead = 0)
    {
        await using var database = await Figures.CreateDatabaseAsync();
        await using var platform = new PlatformDatabase(database.ConnectionString);
        await database.ExecuteAsync("INSERT INTO jobplatform.workers VALUES ('bench', 'worker', 1, '1', now(), now(), now() + interval '1 hour')");
        await Figures.FillAsync(database, backlog);
        if (later > 0) await Figures.FillAsync(database, later, "now() + interval '1 day'");
        await using var observer = await database.OpenAsync();
        if (dead > 0)
        {
            await using var hold = await observer.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
            await using (var look = new Npgsql.NpgsqlCommand("SELECT count(*) FROM jobplatform.jobs", observer, hold)) await look.ExecuteScalarAsync();
            for (var round = 0; round < dead / backlog; round++)
                await database.ExecuteAsync("UPDATE jobplatform.job_runs SET run_at = run_at + interval '1 microsecond'");
            await TimeAsync(figure, platform);
            await hold.RollbackAsync();
            return;
        }
        await TimeAsync(figure, platform);
    }

    private static async Task TimeAsync(string figure, PlatformDatabase platform)
    {
        var claimer = new RunClaimer(platform, new EngineOptions { WorkerName = "bench" });
        var times = new List<double>();
        for (var i = 0; i < 9; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var (claimed, _) = await claimer.ClaimAsync(100, TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(1), CancellationToken.None);
            if (claimed.Count != 100) throw new InvalidOperationException($"{claimed.Count} runs were claimed.");
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        Figures.Print(figure, "ms", Figures.Percentile(times, 0.5));
    }
}
