using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>The server as it is shipped, as a process of its own on a free port.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private RunningServer(Process process, HttpClient http) => (Process, Http) = (process, http);

    public Process Process { get; }

    /// <summary>Calls it with the operator's key.</summary>
    public HttpClient Http { get; }

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <param name="database">The platform's and the application's database.</param>
    /// <param name="settings">Further settings.</param>
    public static async Task<RunningServer> StartAsync(TestDatabase database, params (string Name, string Value)[] settings)
    {
        var binary = Path.Combine(TestCluster.RepositoryRoot, "src", "JobPlatform.Server", "bin", "Release", "net10.0", "jobplatform.dll");
        if (!File.Exists(binary)) throw new FileNotFoundException("Build the solution first: dotnet build -c Release", binary);
        using var port = new TcpListener(IPAddress.Loopback, 0);
        port.Start();
        var address = $"http://{port.LocalEndpoint}";
        port.Stop();

        var key = Guid.NewGuid().ToString();
        var start = new ProcessStartInfo("dotnet", [binary, "serve", "--urls", address])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { ["ConnectionStrings__Platform"] = database.ConnectionString, ["JOBS_SECRET_KEY"] = key },
        };
        foreach (var (name, value) in settings) start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new RunningServer(process, new HttpClient { BaseAddress = new Uri(address), DefaultRequestHeaders = { Authorization = new("Bearer", key) } });
        while (!await server.IsReadyAsync())
        {
            if (process.HasExited) throw new InvalidOperationException($"The server ended with exit code {process.ExitCode}.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
        }
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!Process.HasExited) Process.Kill();
        await Process.WaitForExitAsync();
        Process.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
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
