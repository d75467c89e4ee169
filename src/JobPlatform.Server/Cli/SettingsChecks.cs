using JobPlatform.Core.Settings;

namespace JobPlatform.Server.Cli;

/// <summary>What the settings alone tell.</summary>
internal static class SettingsChecks
{
    public static List<Finding> Run(IConfiguration configuration, PlatformSettings settings)
    {
        var findings = settings.Faults.Select(fault => Finding.Fault("settings", fault)).ToList();
        if (settings.PublicUrl is { IsLoopback: true } && !IsDevelopment(configuration))
            findings.Add(Finding.Warning("settings",
                $"PUBLIC_URL: '{settings.PublicUrl}' is this machine, and links in mails would lead nowhere. Set it to the address that people use."));
        return findings;
    }

    private static bool IsDevelopment(IConfiguration configuration) =>
        string.Equals(configuration["ENVIRONMENT"], "Development", StringComparison.OrdinalIgnoreCase);
}
