using System.Diagnostics;
using Npgsql;

namespace JobPlatform.Testing;

/// <summary>
/// The PostgreSQL cluster of this test run: the one that <c>tests/run.sh</c> started (JOBPLATFORM_TEST_POSTGRES), or,
/// from an editor, a throwaway one that ends with the process.
/// </summary>
public static class TestCluster
{
    private static readonly Lazy<Task<string>> Connection = new(FindAsync);

    /// <summary>The superuser's connection string.</summary>
    public static Task<string> ConnectAsync() => Connection.Value;

    /// <summary>The folder that holds <c>JobPlatform.sln</c>.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>Runs <c>deploy/postgres.sh</c> and returns the last line that it prints.</summary>
    public static async Task<string> RunScriptAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", [Path.Combine(RepositoryRoot, "deploy", "postgres.sh"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? ""
            : throw new InvalidOperationException($"postgres.sh {string.Join(' ', arguments)} failed: {await errors}");
    }

    private static async Task<string> FindAsync()
    {
        if (Environment.GetEnvironmentVariable("JOBPLATFORM_TEST_POSTGRES") is { Length: > 0 } given) return given;
        var folder = PrivateCluster.CreateFolder();
        var connection = await RunScriptAsync("start", folder, "--throwaway");
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            RunScriptAsync("stop", folder, "--immediate").GetAwaiter().GetResult();
            Directory.Delete(folder, recursive: true);
        };
        return connection;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "JobPlatform.sln")))
                return folder.FullName;
        throw new InvalidOperationException("The tests do not lie within the repository.");
    }
}

/// <summary>A cluster of one test's own, to be stopped and started.</summary>
public sealed class PrivateCluster : IAsyncDisposable
{
    private readonly string _folder;

    private PrivateCluster(string folder, string connectionString) => (_folder, ConnectionString) = (folder, connectionString);

    /// <summary>The superuser's connection string; the port stays the same over restarts.</summary>
    public string ConnectionString { get; }

    /// <summary>Makes and starts a throwaway cluster.</summary>
    public static async Task<PrivateCluster> StartAsync()
    {
        var folder = CreateFolder();
        return new PrivateCluster(folder, await TestCluster.RunScriptAsync("start", folder, "--throwaway"));
    }

    /// <summary>Stops it as a crash would, and starts it again.</summary>
    public Task RestartAsync() => TestCluster.RunScriptAsync("restart", _folder, "--immediate");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await TestCluster.RunScriptAsync("stop", _folder, "--immediate");
        Directory.Delete(_folder, recursive: true);
    }

    internal static string CreateFolder()
    {
        var folder = Directory.CreateTempSubdirectory("jobplatform-").FullName;
        // PostgreSQL may run as another user, who must be able to pass through.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        return folder;
    }
}
