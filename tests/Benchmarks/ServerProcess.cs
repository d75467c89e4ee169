using System.Diagnostics;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>The server as it is shipped: how long it takes to be ready, and what it costs while nothing is due.</summary>
internal static class ServerProcess
{
    private const int IdleSeconds = 60;

    public static async Task MeasureAsync()
    {
        await using var database = await TestDatabase.CreateAsync();
        var start = Stopwatch.GetTimestamp();
        await using var server = await RunningServer.StartAsync(database);
        Figures.Print("start-up", "s", Stopwatch.GetElapsedTime(start).TotalSeconds, note: "serve, from the start of the process until /health/ready says 200");

        await PrintIdleAsync(database, server);
    }

    /// <summary>The same on the embedded engine with 30 enabled jobs, none of them due: the figures of the README.</summary>
    public static async Task MeasureIdleAsync()
    {
        await using var database = await TestDatabase.CreateWithSampleAsync();
        await database.ExecuteAsync(
            """
            INSERT INTO jobplatform.jobs (name, handler, cron_expression) SELECT 'idle-' || n, 'purge-logs', '0 0 1 1 *' FROM generate_series(1, 30) n
            """);
        await using var server = await RunningServer.StartAsync(database, ("ENGINE", "embedded"));
        // The seeded jobs come beside; those that are due in between would not be idle.
        await database.ExecuteAsync("UPDATE jobplatform.jobs SET is_enabled = false WHERE name NOT LIKE 'idle-%'");
        await PrintIdleAsync(database, server);
    }

    private static async Task PrintIdleAsync(TestDatabase database, RunningServer server)
    {
        // What the start leaves behind is over.
        await PauseAsync(20);
        var (transactions, processor) = (await TransactionsAsync(database), Processor(server.Process));
        await PauseAsync(IdleSeconds);
        server.Process.Refresh();
        Figures.Print("idle memory", "MB", server.Process.WorkingSet64 / 1e6, note: "resident, all roles in one process");
        Figures.Print("idle transactions", "1/s", (await TransactionsAsync(database) - transactions - 1) / (double)IdleSeconds);
        Figures.Print("idle processor", "%", (Processor(server.Process) - processor) / IdleSeconds * 100, note: "of one core");
        Figures.Print("connections", "", await database.ScalarAsync<long>("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"));
    }

    private static double Processor(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime.TotalSeconds;
    }

    // A backend reports what it did when it is idle, at most once a second.
    private static Task<long> TransactionsAsync(TestDatabase database) =>
        database.ScalarAsync<long>("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()");

    private static Task PauseAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, CancellationToken.None);
}
