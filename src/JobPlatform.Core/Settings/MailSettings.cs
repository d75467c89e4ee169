using System.Net.Mail;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Settings;

/// <summary>Whom the platform writes to, and in what language where nothing else says it. Immutable.</summary>
public sealed record MailSettings
{
    /// <summary>The languages that texts exist in.</summary>
    public static IReadOnlyList<string> Languages { get; } = ["en", "de", "es", "fr"];

    /// <summary><c>ADMIN_EMAILS</c>, with commas; none for the addresses of all admins who may sign in.</summary>
    public IReadOnlyList<string> AdminEmails { get; init; } = [];

    /// <summary><c>DEFAULT_LOCALE</c>, such as <c>de</c> or <c>de-AT</c>. Default <c>en</c>.</summary>
    public string DefaultLocale { get; init; } = "en";

    /// <summary>Reads the settings; adds a sentence for each fault.</summary>
    internal static MailSettings Read(IConfiguration configuration, List<string> faults)
    {
        var emails = (configuration["ADMIN_EMAILS"] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (var email in emails.Where(email => !MailAddress.TryCreate(email, out var read) || read.Address != email))
            faults.Add($"ADMIN_EMAILS: '{email}' is not an address such as ada@example.com. List plain addresses with commas.");
        var locale = configuration["DEFAULT_LOCALE"] is { Length: > 0 } given ? given.Trim() : "en";
        if (!Languages.Contains(locale.Split('-', '_')[0], StringComparer.OrdinalIgnoreCase))
            faults.Add($"DEFAULT_LOCALE: '{locale}' is none that texts exist in: {string.Join(", ", Languages)}, perhaps with a region such as de-AT.");
        return new() { AdminEmails = emails, DefaultLocale = locale };
    }
}
