using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using JobPlatform.Server.Tests.Cli;

namespace JobPlatform.Server.Tests.Readme;

/// <summary>What the README tells a newcomer to type does what it says.</summary>
public sealed partial class ReadmeTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(TestCluster.RepositoryRoot, "README.md"));

    [Test]
    public async Task The_readmes_commands_and_statements_work_in_their_order()
    {
        await using var fixture = await CommandLineFixture.CreateEmptyAsync();
        await fixture.Database.ExecuteAsync("CREATE TABLE public.chat_sessions (id bigint PRIMARY KEY, updated_at timestamptz NOT NULL)");
        Assert.That((await fixture.RunAsync("init")).ExitCode, Is.Zero);
        var port = FindFreePort();
        await using var server = fixture.Serve($"http://127.0.0.1:{port}");
        await WaitForPortAsync(port);

        foreach (Match block in Blocks().Matches(Text))
        {
            var code = block.Groups["code"].Value;
            if (block.Groups["language"].Value == "sql") await fixture.Database.ExecuteAsync(code);
            else await RunShellAsync(fixture, code.Replace("127.0.0.1:5080", $"127.0.0.1:{port}", StringComparison.Ordinal));
        }

        Assert.That(await fixture.Database.ScalarAsync<string>(
            "SELECT string_agg(DISTINCT trigger, ' ' ORDER BY trigger) FROM jobplatform.job_runs JOIN jobplatform.jobs j ON j.id = job_id WHERE j.name = 'weekly-cleanup'"),
            Is.EqualTo("api manual sql"));
    }

    [Test]
    public void The_readmes_handler_is_one_that_compiles()
    {
        var file = File.ReadAllText(Path.Combine(TestCluster.RepositoryRoot, "tests", "Testing", "Greet.cs"));
        var shown = Text.Split("```csharp\n")[1].Split("```")[0];

        Assert.That(shown, Is.EqualTo(file.Replace("JobPlatform.Testing", "JobPlatform.Handlers.Greeting", StringComparison.Ordinal)));
    }

    [Test]
    public async Task The_readme_lists_every_handler_that_is_shipped()
    {
        await using var fixture = await CommandLineFixture.CreateAsync();

        var handlers = (await fixture.RunAsync("handlers", "list", "--json")).Json;

        var keys = (handlers.ValueKind == System.Text.Json.JsonValueKind.Array ? handlers : handlers.GetProperty("handlers"))
            .EnumerateArray().Select(handler => handler.GetProperty("key").GetString()!);
        Assert.That(keys.Where(key => !Text.Contains($"`{key}`", StringComparison.Ordinal)), Is.Empty);
    }

    private static async Task RunShellAsync(CommandLineFixture fixture, string code)
    {
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", $"jobplatform() {{ dotnet '{CommandLineFixture.Binary}' \"$@\"; }}\n{code}"])
        {
            WorkingDirectory = fixture.Folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in fixture.Environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, $"{code}\n{output}\n{await errors}");
    }

    private static int FindFreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task WaitForPortAsync(int port)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException) when (tries < 300)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None);
            }
        }
    }

    [GeneratedRegex("^```(?<language>sql|sh)\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
