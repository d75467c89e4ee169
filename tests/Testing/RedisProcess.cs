using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using JobPlatform.Core.Redis;

namespace JobPlatform.Testing;

/// <summary>A real redis-server as a process of its own, with nothing on disk and the password <c>secret</c>.</summary>
public sealed class RedisProcess : IAsyncDisposable
{
    private readonly Process _process;

    private RedisProcess(Process process, int port)
    {
        _process = process;
        Url = string.Create(CultureInfo.InvariantCulture, $"redis://:secret@127.0.0.1:{port}/1");
    }

    /// <summary>Its address, as <c>REDIS_URL</c> has it.</summary>
    public string Url { get; }

    /// <summary>As the settings read it.</summary>
    public RedisServer Server => RedisServer.TryParse(Url, out var server, out var fault) ? server! : throw new InvalidOperationException(fault);

    /// <summary>Starts one and waits until it answers.</summary>
    public static async Task<RedisProcess> StartAsync()
    {
        var port = FindFreePort();
        var start = new ProcessStartInfo(Find(), ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--requirepass", "secret"]) { RedirectStandardOutput = true };
        start.Environment["LD_LIBRARY_PATH"] = Path.GetDirectoryName(start.FileName);
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.Contains("Ready to accept connections", StringComparison.Ordinal)) continue;
            // What it says later must not fill the pipe.
            _ = process.StandardOutput.ReadToEndAsync();
            return new RedisProcess(process, port);
        }
        throw new InvalidOperationException("redis-server did not start.");
    }

    /// <summary>Ends it as a crash does.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private static string Find()
    {
        var unpacked = Path.Combine(TestCluster.RepositoryRoot, "tests", "redis-server", "bin", "redis-server");
        var installed = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "redis-server"));
        if (installed.Append(unpacked).FirstOrDefault(File.Exists) is { } found) return found;
        const string remedy = "There is no redis-server: run tests/redis-server/install.sh, or install Redis.";
        if (Environment.GetEnvironmentVariable("CI") != "true") NUnit.Framework.Assert.Ignore(remedy);
        throw new InvalidOperationException(remedy);
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
