using System.CommandLine;
using JobPlatform.Server.Composition;

namespace JobPlatform.Server.Cli;

/// <summary><c>health</c>: whether the server of this machine is ready, for containers, which have no other program to ask.</summary>
internal static class HealthCommand
{
    // Who asks often has a shorter one of his own.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var url = new Option<string?>("--url") { Description = "The server's address; default: this machine, at the port of the setting URLS.", HelpName = "address" };
        var command = new Command("health", "Ask the running server whether it is ready. Exit code 1 when it is not.") { url };
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(url), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string? given, CancellationToken cancellation)
    {
        var listens = given ?? PlatformConfiguration.Load(Console.Error)["URLS"] ?? "http://127.0.0.1:5080";
        var text = listens.Split(';')[0].Replace("://+", "://127.0.0.1", StringComparison.Ordinal).Replace("://*", "://127.0.0.1", StringComparison.Ordinal)
            .Replace("://0.0.0.0", "://127.0.0.1", StringComparison.Ordinal).Replace("://[::]", "://127.0.0.1", StringComparison.Ordinal);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw CliException.Refused($"--url: '{listens}' is not an address such as http://127.0.0.1:5080.");
        using var http = new HttpClient { Timeout = Limit };
        try
        {
            using var answer = await http.GetAsync(new Uri(address, "/health/ready"), cancellation);
            Console.WriteLine(await answer.Content.ReadAsStringAsync(cancellation));
            return answer.IsSuccessStatusCode ? ExitCode.Well : ExitCode.Failed;
        }
        catch (Exception e) when (e is HttpRequestException || e is TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"{address} does not answer: {e.Message}");
            return ExitCode.Failed;
        }
    }
}
