using System.Globalization;
using System.Net.Mail;

namespace JobPlatform.Core.Settings;

/// <summary>When the line to the mail server is encrypted.</summary>
public enum StartTls
{
    /// <summary>Always: a server that does not offer it gets no mail.</summary>
    Required,

    /// <summary>When the server offers it; a password never goes over an open line to another machine.</summary>
    Auto,

    /// <summary>Never, the password included.</summary>
    Off,
}

/// <summary>Where outgoing mail goes (<c>SMTP_URL</c>). Immutable.</summary>
public sealed record SmtpServer
{
    /// <summary>The server's name or address.</summary>
    public required string Host { get; init; }

    /// <summary>The port. Default 587.</summary>
    public required int Port { get; init; }

    /// <summary>The user, null to send without logging in.</summary>
    public string? User { get; init; }

    /// <summary>The password; empty without a user.</summary>
    public string Password { get; init; } = "";

    /// <summary>When the line is encrypted. Default required with a user on another machine, else auto.</summary>
    public required StartTls StartTls { get; init; }

    /// <summary>True when the server is this machine.</summary>
    public bool IsLoopback => IsLoopbackHost(Host);

    /// <summary>Reads <c>smtp://user:password@host:587?starttls=required|auto|off</c>; the fault never shows the text.</summary>
    public static bool TryParse(string text, out SmtpServer? server, out string? fault)
    {
        (server, fault) = (null, null);
        const string form = "Give smtp://user:password@host:587?starttls=required, with special characters percent-encoded.";
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url) || url.Host.Length == 0)
            fault = $"it is not an address. {form}";
        else if (url.Scheme == "smtps" || url.Port == 465)
            fault = "TLS from the first byte (smtps, port 465) is not spoken here. Use port 587, which encrypts by STARTTLS: smtp://user:password@host:587?starttls=required.";
        else if (url.Scheme != "smtp")
            fault = $"the scheme '{url.Scheme}' is not smtp. {form}";
        else if (url.AbsolutePath is not ("" or "/") || url.Fragment.Length > 0)
            fault = $"it has a path or a fragment after the host. {form}";
        if (fault is not null) return false;

        var credentials = url!.UserInfo.Split(':', 2);
        var user = Uri.UnescapeDataString(credentials[0]);
        var isOpen = user.Length == 0 || IsLoopbackHost(url.DnsSafeHost);
        if (!TryReadStartTls(url.Query, isOpen ? StartTls.Auto : StartTls.Required, out var startTls))
        {
            fault = "the only option is starttls=required, starttls=auto or starttls=off.";
            return false;
        }
        server = new SmtpServer
        {
            Host = url.DnsSafeHost,
            Port = url.Port > 0 ? url.Port : 587,
            User = user.Length == 0 ? null : user,
            Password = credentials.Length == 2 ? Uri.UnescapeDataString(credentials[1]) : "",
            StartTls = startTls,
        };
        return true;
    }

    /// <summary>Host and port, without the credentials.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    private static bool IsLoopbackHost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (System.Net.IPAddress.TryParse(host, out var address) && System.Net.IPAddress.IsLoopback(address));

    private static bool TryReadStartTls(string query, StartTls defaultValue, out StartTls value)
    {
        value = defaultValue;
        if (query is "" or "?") return true;
        const string option = "?starttls=";
        // Letters only: the parser also takes numbers and sums, which are no mode, or not the one that was meant.
        return query.StartsWith(option, StringComparison.OrdinalIgnoreCase) && query[option.Length..].All(char.IsAsciiLetter)
            && Enum.TryParse(query[option.Length..], ignoreCase: true, out value);
    }
}

/// <summary>How mail is sent. Immutable.</summary>
/// <param name="Server">The server; null when <c>SMTP_URL</c> is not set: mail waits.</param>
/// <param name="From"><c>MAIL_FROM</c>: the sender of mails that name none; never null where the server is set.</param>
public sealed record SmtpSettings(SmtpServer? Server, MailAddress? From);
