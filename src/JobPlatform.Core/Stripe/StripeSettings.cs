using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Stripe;

/// <summary>How Stripe is reached, and how its webhooks are known. Immutable.</summary>
public sealed record StripeSettings
{
    /// <summary>Where Stripe's API is. Setting <c>STRIPE_API_URL</c>; default <c>https://api.stripe.com</c>.</summary>
    public Uri ApiUrl { get; init; } = new("https://api.stripe.com");

    /// <summary><c>STRIPE_SECRET_KEY</c>: a secret or restricted key; null when it is not set.</summary>
    public string? SecretKey { get; init; }

    /// <summary><c>STRIPE_WEBHOOK_SECRET</c>: the signing secrets of the webhook endpoint, more than one while it is being replaced; none when it is not set.</summary>
    public IReadOnlyList<string> WebhookSecrets { get; init; } = [];

    /// <summary>True for a key of real money.</summary>
    public bool IsLive => SecretKey is not null && IsLiveKey(SecretKey);

    /// <summary>Reads the settings; adds a sentence for each fault, none of which shows a key.</summary>
    internal static StripeSettings Read(IConfiguration configuration, List<string> faults)
    {
        var settings = new StripeSettings
        {
            SecretKey = configuration["STRIPE_SECRET_KEY"]?.Trim() is { Length: > 0 } key ? key : null,
            WebhookSecrets = (configuration["STRIPE_WEBHOOK_SECRET"] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
        };
        if (settings.SecretKey is { } secret && FindKeyFault(secret, configuration) is { } fault) faults.Add(fault);
        if (settings.WebhookSecrets.Any(known => !known.StartsWith("whsec_", StringComparison.Ordinal) || known.Length < 24))
            faults.Add("STRIPE_WEBHOOK_SECRET: it is no signing secret. Give what Stripe shows for the webhook endpoint, whsec_…; two with a comma while one replaces the other.");
        if (configuration["STRIPE_API_URL"] is { Length: > 0 } url)
        {
            if (Uri.TryCreate(url, UriKind.Absolute, out var address) && (address.Scheme == Uri.UriSchemeHttps || address is { Scheme: "http", IsLoopback: true }))
                settings = settings with { ApiUrl = address };
            else
                faults.Add($"STRIPE_API_URL: '{url}' is not an https address. Leave it out for https://api.stripe.com.");
        }
        return settings;
    }

    private static bool IsLiveKey(string key) => key.StartsWith("sk_live_", StringComparison.Ordinal) || key.StartsWith("rk_live_", StringComparison.Ordinal);

    private static string? FindKeyFault(string key, IConfiguration configuration)
    {
        if (key.StartsWith("pk_", StringComparison.Ordinal))
            return "STRIPE_SECRET_KEY: it is a publishable key (pk_…), which may read nothing. Give the secret key, sk_test_… or sk_live_…, or a restricted one, rk_….";
        var isTest = key.StartsWith("sk_test_", StringComparison.Ordinal) || key.StartsWith("rk_test_", StringComparison.Ordinal);
        if (!isTest && !IsLiveKey(key))
            return "STRIPE_SECRET_KEY: it is no key of Stripe. Give a secret key, sk_test_… or sk_live_…, or a restricted one, rk_test_… or rk_live_….";
        if (key.Length < 16 || key.Any(character => !char.IsAsciiLetterOrDigit(character) && character != '_'))
            return "STRIPE_SECRET_KEY: it is cut off or holds characters that no key of Stripe has. Copy it again.";
        var isDevelopment = string.Equals(configuration["ENVIRONMENT"], "Development", StringComparison.OrdinalIgnoreCase);
        var isAllowed = string.Equals(configuration["STRIPE_ALLOW_LIVE"], "true", StringComparison.OrdinalIgnoreCase);
        return !isTest && isDevelopment && !isAllowed
            ? "STRIPE_SECRET_KEY: it is a live key, and ENVIRONMENT is Development: what is tried here would move real money. Give a test key, sk_test_…, or set STRIPE_ALLOW_LIVE=true."
            : null;
    }
}
