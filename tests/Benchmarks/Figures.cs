using System.Diagnostics;
using System.Text.Json;
using Dapper;
using JobPlatform.Testing;
using Npgsql;

namespace JobPlatform.Benchmarks;

/// <summary>What the benchmarks share: a database, a job, and the way a figure is printed.</summary>
internal static class Figures
{
    /// <summary>One JSON line: what was measured, ours and the limit beside it.</summary>
    public static void Print(string figure, string unit, double platform, double? limit = null, string? note = null) =>
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            figure, unit, platform = Math.Round(platform, 1), plain_sql = limit is { } l ? Math.Round(l, 1) : (double?)null,
            share_of_plain_sql = limit is { } m ? Math.Round(platform / m, 2) : (double?)null, note,
        }));

    /// <summary>A database with the job <c>nothing</c>, which may run without limit.</summary>
    public static async Task<TestDatabase> CreateDatabaseAsync()
    {
        var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("nothing", "nothing", "overlap_policy = 'allow'");
        return database;
    }

    /// <summary>Queues runs of the job by plain SQL, as a backlog.</summary>
    public static async Task FillAsync(TestDatabase database, int runs, string runAt = "now()")
    {
        await using var connection = await database.OpenAsync();
        await connection.ExecuteAsync(
            $"""
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited)
            SELECT jobplatform.uuid_v7(), j.id, j.version, 'sql', {runAt}, j.queue, j.priority, false
              FROM jobplatform.jobs j, generate_series(1, @runs)
            """, new { runs }, commandTimeout: 0);
        await connection.ExecuteAsync("VACUUM ANALYZE jobplatform.job_runs", commandTimeout: 0);
    }

    /// <summary>A pooled data source, as the platform has one.</summary>
    public static NpgsqlDataSource Pool(TestDatabase database) => NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = true, MaxAutoPrepare = 50, AutoPrepareMinUsages = 2 });

    /// <summary>Waits until the database says so, looking every <paramref name="milliseconds"/>.</summary>
    public static async Task WaitAsync(TestDatabase database, string condition, int milliseconds = 20)
    {
        await using var connection = await database.OpenAsync();
        while (!await connection.ExecuteScalarAsync<bool>($"SELECT {condition}"))
            await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System, CancellationToken.None);
    }

    /// <summary>The value below which the given share of the sorted values lies.</summary>
    public static double Percentile(List<double> values, double share)
    {
        values.Sort();
        return values[Math.Min(values.Count - 1, (int)(values.Count * share))];
    }

    /// <summary>How many of something were done a second since then.</summary>
    public static double PerSecond(int count, long since) => count / Stopwatch.GetElapsedTime(since).TotalSeconds;
}
