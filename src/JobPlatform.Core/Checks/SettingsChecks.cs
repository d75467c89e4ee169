using JobPlatform.Core.Settings;

namespace JobPlatform.Core.Checks;

/// <summary>What the settings alone tell.</summary>
public static class SettingsChecks
{
    /// <summary>Every fault of the settings, and what of them is odd.</summary>
    public static List<Finding> Run(PlatformSettings settings)
    {
        var findings = settings.Faults.Select(fault => Finding.Fault("settings", fault)).ToList();
        if (settings.PublicUrl is { IsLoopback: true } && !settings.IsDevelopment)
            findings.Add(Finding.Warning("settings",
                $"PUBLIC_URL: '{settings.PublicUrl}' is this machine, and links in mails would lead nowhere. Set it to the address that people use."));
        if (settings is { HasDebugRoutes: true, IsDevelopment: false })
            findings.Add(Finding.Warning("settings",
                "ENABLE_DEBUG_ROUTES: it is true in production, where admins can throw leaderboards away with it. Take it out when you are done."));
        return findings;
    }
}
