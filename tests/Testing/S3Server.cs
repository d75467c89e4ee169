using System.Diagnostics;
using System.Text.Json;

namespace JobPlatform.Testing;

/// <summary>An S3-compatible store as a process of its own (<c>tests/s3-server/server.js</c>), with the bucket <c>files</c>.</summary>
public sealed class S3Server : IAsyncDisposable
{
    private readonly Process _process;

    private S3Server(Process process, string folder, int port)
    {
        _process = process;
        Folder = folder;
        Url = $"s3://S3RVER:S3RVER@127.0.0.1:{port}/files/app?tls=false";
    }

    /// <summary>Where it keeps its objects.</summary>
    public string Folder { get; }

    /// <summary>Its address, as <c>BLOB_URL</c> has it, with the prefix <c>app</c>.</summary>
    public string Url { get; }

    /// <summary>Starts one and waits until it listens.</summary>
    public static async Task<S3Server> StartAsync()
    {
        var scripts = Path.Combine(TestCluster.RepositoryRoot, "tests", "s3-server");
        if (!Directory.Exists(Path.Combine(scripts, "node_modules")))
            throw new InvalidOperationException($"The test store is not installed: run tests/run.sh once, or 'npm ci' in {scripts}.");
        var folder = Directory.CreateTempSubdirectory("jobplatform-s3-").FullName;
        var process = Process.Start(new ProcessStartInfo("node", [Path.Combine(scripts, "server.js"), folder])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The store did not start.");
        return new S3Server(process, folder, JsonElement.Parse(line).GetProperty("port").GetInt32());
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
