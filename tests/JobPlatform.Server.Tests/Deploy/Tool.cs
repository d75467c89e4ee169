using System.Diagnostics;

namespace JobPlatform.Server.Tests.Deploy;

/// <summary>A program of this machine.</summary>
internal static class Tool
{
    /// <summary>Runs it to its end; what it says is the standard output and the errors behind it.</summary>
    public static Task<(int Code, string Output)> RunAsync(string program, params string[] arguments) => RunAsync(program, new Dictionary<string, string>(), arguments);

    /// <summary>As the other, with settings in its environment.</summary>
    public static async Task<(int Code, string Output)> RunAsync(string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await errors);
    }
}
