using System.CommandLine;
using JobPlatform.Core.Checks;
using JobPlatform.Core.Settings;
using JobPlatform.Server.Composition;

namespace JobPlatform.Server.Cli;

/// <summary><c>check</c>: everything that is wrong, at once; changes nothing.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var json = Options.Json();
        var command = new Command("check",
            "Print every fault of settings, database, jobs and handlers. Exit code 1 when there is one; warnings do not count.") { json };
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(bool asJson, CancellationToken cancellation)
    {
        var configuration = PlatformConfiguration.Load(Console.Error);
        var settings = PlatformSettings.Read(configuration, EngineChoice.BuiltIn).RequireServing();
        var findings = SettingsChecks.Run(settings);
        if (settings.PlatformConnection.Length > 0) findings.AddRange(await DatabaseChecks.RunAsync(settings, configuration, cancellation));

        var output = new Output(PlatformSettings.CreateRedactor(configuration), TimeProvider.System);
        var faults = findings.Count(finding => finding.Severity == "fault");
        if (asJson) output.Json(new { Faults = faults, Warnings = findings.Count - faults, Findings = findings });
        else
        {
            foreach (var finding in findings) output.Line($"{finding.Severity,-7}  {finding.Area,-8}  {finding.Message}");
            output.Line(faults == 0 ? "No faults." : $"{faults} {(faults == 1 ? "fault" : "faults")}.");
        }
        return faults == 0 ? ExitCode.Well : ExitCode.Failed;
    }
}
