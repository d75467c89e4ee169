using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>The server as it is shipped: how long it takes to be ready, and what it costs while nothing is due.</summary>
internal static class ServerProcess
{
    private const int IdleSeconds = 20;

    public static async Task MeasureAsync()
    {
        var binary = Path.Combine(TestCluster.RepositoryRoot, "src", "JobPlatform.Server", "bin", "Release", "net10.0", "jobplatform.dll");
        if (!File.Exists(binary)) throw new FileNotFoundException("Build the solution first: dotnet build -c Release", binary);
        await using var database = await TestDatabase.CreateAsync();
        using var port = new TcpListener(IPAddress.Loopback, 0);
        port.Start();
        var address = $"http://{port.LocalEndpoint}";
        port.Stop();

        var start = Stopwatch.GetTimestamp();
        using var server = Process.Start(new ProcessStartInfo("dotnet", [binary, "serve", "--urls", address])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { ["ConnectionStrings__Platform"] = database.ConnectionString, ["JOBS_SECRET_KEY"] = Guid.NewGuid().ToString() },
        })!;
        server.OutputDataReceived += static (_, _) => { };
        server.ErrorDataReceived += static (_, _) => { };
        server.BeginOutputReadLine();
        server.BeginErrorReadLine();
        try
        {
            using var http = new HttpClient { BaseAddress = new Uri(address) };
            while (!await IsReadyAsync(http)) await PauseAsync(0.02);
            Figures.Print("start-up", "s", Stopwatch.GetElapsedTime(start).TotalSeconds, note: "serve, from the start of the process until /health/ready says 200");

            // What the start leaves behind is over.
            await PauseAsync(5);
            var (transactions, processor) = (await TransactionsAsync(database), Processor(server));
            await PauseAsync(IdleSeconds);
            server.Refresh();
            Figures.Print("idle memory", "MB", server.WorkingSet64 / 1e6, note: "resident, all roles in one process");
            Figures.Print("idle transactions", "1/s", (await TransactionsAsync(database) - transactions - 1) / (double)IdleSeconds);
            Figures.Print("idle processor", "%", (Processor(server) - processor) / IdleSeconds * 100, note: "of one core");
            Figures.Print("connections", "", await database.ScalarAsync<long>("SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
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
