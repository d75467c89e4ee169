using System.CommandLine;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Server.Cli;

/// <summary><c>secrets</c>.</summary>
internal static class SecretsCommand
{
    public static Command Create()
    {
        var signing = new Option<bool>("--signing") { Description = "One that a webhook's calls are signed with: whsec_ and base64." };
        var make = new Command("new", "Print a new secret (256 random bits) and keep it nowhere.") { signing };
        make.SetAction(parsed => Console.Out.WriteLine(parsed.GetValue(signing) ? WebhookSignature.CreateSecret() : Secrets.Create()));
        return new Command("secrets", "Make secrets such as JOBS_SECRET_KEY.") { make };
    }
}
