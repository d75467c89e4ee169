using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>The server as it is shipped, in a process of its own.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private RunningServer(Process process, HttpClient http) => (Process, Http) = (process, http);

    public Process Process { get; }

    /// <summary>Carries the operator's key.</summary>
    public HttpClient Http { get; }

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<RunningServer> StartAsync(TestDatabase database, string role = "all")
    {
        var binary = Path.Combine(TestCluster.RepositoryRoot, "src", "JobPlatform.Server", "bin", "Release", "net10.0", "jobplatform.dll");
        if (!File.Exists(binary)) throw new FileNotFoundException("Build the solution first: dotnet build -c Release", binary);
        using var port = new TcpListener(IPAddress.Loopback, 0);
        port.Start();
        var address = $"http://{port.LocalEndpoint}";
        port.Stop();
        var key = Guid.NewGuid().ToString();
        var process = Process.Start(new ProcessStartInfo("dotnet", [binary, "serve", "--role", role, "--urls", address])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { ["ConnectionStrings__Platform"] = database.ConnectionString, ["JOBS_SECRET_KEY"] = key, ["CALLS_PER_MINUTE"] = "1000000" },
        })!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new RunningServer(process, new HttpClient { BaseAddress = new Uri(address), DefaultRequestHeaders = { Authorization = new("Bearer", key) } });
        while (!await server.IsReadyAsync())
            await Task.Delay(TimeSpan.FromSeconds(0.02), TimeProvider.System, CancellationToken.None);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Process.Kill();
        await Process.WaitForExitAsync();
        Process.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        if (Process.HasExited) throw new InvalidOperationException($"The server ended with {Process.ExitCode}.");
        try
        {
            using var answer = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
