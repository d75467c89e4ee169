using System.CommandLine;
using JobPlatform.Core.Settings;

namespace JobPlatform.Server.Cli;

/// <summary><c>secrets</c>.</summary>
internal static class SecretsCommand
{
    public static Command Create()
    {
        var make = new Command("new", "Print a new secret (256 random bits) and keep it nowhere.");
        make.SetAction(_ => Console.Out.WriteLine(Secrets.Create()));
        return new Command("secrets", "Make secrets such as JOBS_SECRET_KEY.") { make };
    }
}
