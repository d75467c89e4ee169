using System.CommandLine;
using JobPlatform.Server.Composition;

namespace JobPlatform.Server.Cli;

/// <summary><c>migrate</c>: for deployments that do not let the server's own user change tables.</summary>
internal static class MigrateCommand
{
    public static Command Create()
    {
        var command = new Command("migrate", "Bring the schema up to date, with ConnectionStrings__Owner where it is set.");
        command.SetAction((_, cancellation) => RunAsync(cancellation));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken cancellation)
    {
        await using var session = Session.Create(PlatformConfiguration.Load(Console.Error));
        await Preparation.RunAsync(session.Settings, session.Output, cancellation);
        return ExitCode.Well;
    }
}
