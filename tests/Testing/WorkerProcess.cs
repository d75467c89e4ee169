using System.Diagnostics;

namespace JobPlatform.Testing;

/// <summary>A worker as a process of its own, to be killed or told to stop.</summary>
public sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process _process;

    private WorkerProcess(Process process) => _process = process;

    /// <summary>Starts one and waits until it works.</summary>
    public static async Task<WorkerProcess> StartAsync(string connectionString, int concurrency = 16, int leaseSeconds = 3, int drainSeconds = 10,
        EngineKind engine = EngineKind.Embedded)
    {
        var configuration = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug";
        var path = Path.Combine(TestCluster.RepositoryRoot, "tests", "TestWorker", "bin", configuration, "net10.0", "JobPlatform.TestWorker.dll");
        var process = Process.Start(new ProcessStartInfo("dotnet", [path, connectionString, $"{concurrency}", $"{leaseSeconds}", $"{drainSeconds}", $"{engine}"])
        {
            RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync();
        return line == "ready" ? new WorkerProcess(process) : throw new InvalidOperationException($"The worker did not start: {line}");
    }

    /// <summary>Kills it as kill -9 does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Sends SIGTERM and waits for its end; returns its exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        await SignalAsync("TERM");
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>Sends a signal, such as STOP, which freezes it, or CONT.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await KillAsync();
        _process.Dispose();
    }
}
