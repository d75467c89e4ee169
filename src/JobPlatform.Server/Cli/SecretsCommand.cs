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
        var vapid = new Option<bool>("--vapid") { Description = "A pair of keys for push messages, as two lines for secrets.env." };
        var make = new Command("new", "Print a new secret (256 random bits) and keep it nowhere.") { signing, vapid };
        make.SetAction(parsed => Console.Out.WriteLine(parsed.GetValue(vapid) ? CreateVapid() : parsed.GetValue(signing) ? WebhookSignature.CreateSecret() : Secrets.Create()));
        return new Command("secrets", "Make secrets such as JOBS_SECRET_KEY.") { make };
    }

    private static string CreateVapid()
    {
        var (publicKey, privateKey) = VapidSettings.CreateKeys();
        return $"VAPID_PUBLIC_KEY={publicKey}{Environment.NewLine}VAPID_PRIVATE_KEY={privateKey}";
    }
}
