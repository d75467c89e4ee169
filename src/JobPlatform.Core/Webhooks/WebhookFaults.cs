using System.Text.RegularExpressions;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Webhooks;

/// <summary>What is wrong with a webhook that is to be saved: all at once, and no secret shown. Thread-safe.</summary>
internal static partial class WebhookFaults
{
    private const int LongestDescription = 2000;
    private const int MostHeaders = 20;
    private const int LongestValue = 1000;
    private const int LongestUser = 200;
    private const int ShortestSecret = 8;
    private const int LongestTimeout = 3600;

    // What HTTP or the platform sets itself.
    private static readonly HashSet<string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive", "TE", "Trailer",
        "Upgrade", "Expect", "User-Agent", "Proxy-Authorization", "Proxy-Connection", "webhook-id", "webhook-timestamp", "webhook-signature",
    };

    /// <param name="webhook">What is to be saved.</param>
    /// <param name="secrets">The secrets to be saved with it.</param>
    /// <param name="before">What is stored; null for a new one.</param>
    /// <param name="catalog">The code handlers.</param>
    /// <param name="guard">The addresses' guard.</param>
    public static List<ConfigFault> Find(WebhookDefinition webhook, WebhookSecrets secrets, Webhook? before, HandlerCatalog catalog, AddressGuard guard)
    {
        var faults = new List<ConfigFault>();
        void Add(bool isWrong, string field, string message)
        {
            if (isWrong) faults.Add(new(field, message));
        }

        Add(!Key().IsMatch(webhook.Key), "key",
            $"'{Show(webhook.Key)}' is no key: up to 100 lower-case letters, digits, dots, dashes and underscores, the first a letter or digit.");
        Add(catalog.Find(webhook.Key) is not null, "key", $"'{webhook.Key}' is the key of a code handler, which would run instead. Choose another one.");
        Add(webhook.Description.Length > LongestDescription || webhook.Description.Contains('\0'), "description",
            $"it has {webhook.Description.Length} characters; at most {LongestDescription} are allowed, and no U+0000.");
        var url = guard.FindFault(webhook.Url);
        Add(url is not null, "url", url ?? "");
        Add(webhook.Method is not ("POST" or "PUT"), "method", $"'{Show(webhook.Method)}' is not POST or PUT.");
        Add(webhook.TimeoutSeconds is < 1 or > LongestTimeout, "timeout_seconds",
            $"{webhook.TimeoutSeconds} is not a number of seconds from 1 to {LongestTimeout}.");
        faults.AddRange(FindInHeaders(webhook.Headers));
        faults.AddRange(FindInAuth(webhook));
        var needsSecret = webhook.Auth != WebhookAuth.None;
        Add(!needsSecret && secrets.Auth is not null, "secret", "there is no use for it with auth none. Leave it out, or choose another auth.");
        if (needsSecret && secrets.Auth is null && url is null && FindAbsence(webhook, before) is { } absence) faults.Add(new("secret", absence));
        Add(needsSecret && secrets.Auth is { } secret && !IsSecret(secret), "secret",
            $"it is not {ShortestSecret} to {LongestValue} printable ASCII characters without a space at either end.");
        Add(secrets.Signing is { Length: > 0 } signing && !WebhookSignature.IsSecret(signing), "signing_secret",
            "it is not whsec_ followed by the base64 form of 24 to 64 bytes. Make one with 'jobplatform secrets new --signing'.");
        return faults;
    }

    private static string? FindAbsence(WebhookDefinition webhook, Webhook? before)
    {
        if (before?.SecretChangedAt is null) return $"auth {webhook.Auth.ToWord()} needs one, and none is stored.";
        return OriginOf(webhook) == OriginOf(before) ? null
            // Whoever may change the URL could otherwise have a secret sent to himself that he may not read.
            : "the URL leads to another host now. Give the secret again, as the stored one is sent only where it was meant for.";
    }

    /// <summary>Scheme, host and port of a URL that has no fault.</summary>
    public static string OriginOf(WebhookDefinition webhook) =>
        Uri.TryCreate(webhook.Url, UriKind.Absolute, out var url) ? url.GetLeftPart(UriPartial.Authority).ToLowerInvariant() : "";

    private static IEnumerable<ConfigFault> FindInAuth(WebhookDefinition webhook)
    {
        var name = webhook.AuthName;
        switch (webhook.Auth)
        {
            case WebhookAuth.None or WebhookAuth.Bearer when name is not null:
                yield return new("auth_name", $"auth {webhook.Auth.ToWord()} has no name. Leave it out.");
                break;
            case WebhookAuth.Basic when name is not { Length: > 0 and <= LongestUser } || name.Contains(':') || !Printable().IsMatch(name):
                yield return new("auth_name", $"auth basic needs the user: up to {LongestUser} printable ASCII characters without a colon.");
                break;
            case WebhookAuth.Header when name is null:
                yield return new("auth_name", "auth header needs the header's name.");
                break;
            case WebhookAuth.ApiKey or WebhookAuth.Header when name is not null && FindNameFault(name) is { } fault:
                yield return new("auth_name", fault);
                break;
        }
    }

    private static IEnumerable<ConfigFault> FindInHeaders(IReadOnlyDictionary<string, string> headers)
    {
        if (headers.Count > MostHeaders) yield return new("headers", $"there are {headers.Count}; at most {MostHeaders} are allowed.");
        if (headers.Keys.Distinct(StringComparer.OrdinalIgnoreCase).Count() < headers.Count)
            yield return new("headers", "a name stands there twice, as letters' case does not count. Leave one out.");
        foreach (var (name, value) in headers)
        {
            if (FindNameFault(name) is { } fault) yield return new("headers", fault);
            // Headers are stored and shown as they are.
            else if (SecretNames.IsSecret(name) || (value is not null && SecretNames.IsCredential(value)))
                yield return new("headers", $"'{name}' holds a secret, and headers are shown. Set it as auth header with that name, or as auth bearer, basic or api_key: that secret is sealed and never shown.");
            if (value is not { Length: <= LongestValue } || (value.Length > 0 && !Printable().IsMatch(value)))
                yield return new("headers", $"the value of '{Show(name)}' is not up to {LongestValue} printable ASCII characters without a space at either end.");
        }
    }

    private static string? FindNameFault(string name) =>
        !HeaderName().IsMatch(name) ? $"'{Show(name)}' is no header's name: up to 100 letters, digits and dashes."
        : Reserved.Contains(name) ? $"'{name}' is set by the platform. Leave it out."
        : null;

    private static bool IsSecret(string text) => text.Length is >= ShortestSecret and <= LongestValue && Printable().IsMatch(text);

    // Line ends and other control characters would stand in messages and terminals.
    private static string Show(string text) =>
        string.Concat(text.Take(60).Select(letter => char.IsControl(letter) ? '?' : letter)) + (text.Length > 60 ? "…" : "");

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,99}\z")]
    private static partial Regex Key();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\z")]
    private static partial Regex HeaderName();

    [GeneratedRegex(@"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?\z")]
    private static partial Regex Printable();
}
