using System.Diagnostics;
using System.Text.Json;

namespace JobPlatform.Server.Tests.Cli;

/// <summary>What a process of the binary came to.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Errors)
{
    public JsonElement Json => JsonElement.Parse(Output);
}

/// <summary>The built binary against a database of one test's own, with a data folder of its own and no terminal.</summary>
internal sealed class CommandLineFixture : IAsyncDisposable
{
    public static readonly string Binary = Path.Combine(TestCluster.RepositoryRoot, "src", "JobPlatform.Server", "bin",
        AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Release" : "Debug",
        "net10.0", "jobplatform.dll");

    private CommandLineFixture(TestDatabase database)
    {
        Database = database;
        Environment["ConnectionStrings__Platform"] = database.ConnectionString;
        Environment["JOBPLATFORM_DATA"] = Folder;
        Environment["DOTNET_ENVIRONMENT"] = "Development";
    }

    public TestDatabase Database { get; }

    public string Folder { get; } = Directory.CreateTempSubdirectory("jobplatform-cli-").FullName;

    public string SecretsPath => Path.Combine(Folder, "secrets.env");

    /// <summary>What the process gets beside this process's environment; null takes a variable away.</summary>
    public Dictionary<string, string?> Environment { get; } = [];

    /// <summary>On a database with the schema and nothing in it.</summary>
    public static async Task<CommandLineFixture> CreateAsync() => new(await TestDatabase.CreateAsync());

    /// <summary>On a database with the schema and the sample application's tables, empty.</summary>
    public static async Task<CommandLineFixture> CreateWithSampleAsync() => new(await TestDatabase.CreateWithSampleAsync());

    /// <summary>On a database without the schema.</summary>
    public static async Task<CommandLineFixture> CreateEmptyAsync() => new(await TestDatabase.CreateEmptyAsync());

    public async Task<CliResult> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new(process.ExitCode, output, await errors);
    }

    /// <summary>A server that runs jobs until the answer is disposed; it may not have started yet.</summary>
    public IAsyncDisposable Serve(string urls = "http://127.0.0.1:0")
    {
        Environment["JOBS_SECRET_KEY"] = "kS9-2mQx7Vb4TzPw1LrYc8NhUe5JdAf3";
        var process = Start(["serve", "--urls", urls]);
        process.StandardInput.Close();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new Server(process);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>A process whose standard input and output are the test's to use and to close.</summary>
    public Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Binary, .. arguments])
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in Environment)
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private sealed class Server(Process process) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
