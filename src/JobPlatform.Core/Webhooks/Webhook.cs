namespace JobPlatform.Core.Webhooks;

/// <summary>How a webhook shows the receiver who calls.</summary>
public enum WebhookAuth
{
    /// <summary>Not at all, or by its signature only.</summary>
    None,

    /// <summary><c>Authorization: Bearer SECRET</c>.</summary>
    Bearer,

    /// <summary><c>Authorization: Basic …</c>, with the auth name as user and the secret as password.</summary>
    Basic,

    /// <summary>The secret in the header that the auth name says, by default <c>X-API-Key</c>.</summary>
    ApiKey,

    /// <summary>The secret as the whole value of the header that the auth name says.</summary>
    Header,
}

/// <summary>What can be set of a webhook, its secrets apart. Immutable.</summary>
public record WebhookDefinition
{
    /// <summary>What <c>jobs.handler</c> says: lower-case letters, digits, dots, dashes and underscores, at most 100; no
    /// code handler's key. Never changed.</summary>
    public required string Key { get; init; }

    /// <summary>For people; at most 2000 characters.</summary>
    public string Description { get; init; } = "";

    /// <summary>Where runs are sent to: http or https, not of the inside unless the operator allows it.</summary>
    public required string Url { get; init; }

    /// <summary><c>POST</c> or <c>PUT</c>. Default POST.</summary>
    public string Method { get; init; } = "POST";

    /// <summary>How the receiver is shown who calls. Default not at all.</summary>
    public WebhookAuth Auth { get; init; }

    /// <summary>The user (basic), or the header's name (api_key, header).</summary>
    public string? AuthName { get; init; }

    /// <summary>Further headers, at most 20; none that holds a secret, as they are shown.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>How long one call may take, 1 to 3600 s. Default 30.</summary>
    public int TimeoutSeconds { get; init; } = 30;

    /// <summary>The runs of a disabled webhook fail and say so. Default true.</summary>
    public bool IsEnabled { get; init; } = true;
}

/// <summary>A webhook as it is stored. Of its secrets it only tells when they were set. Immutable.</summary>
public sealed record Webhook : WebhookDefinition
{
    /// <summary>Grows with each change.</summary>
    public required int Version { get; init; }

    /// <summary>When the auth's secret was set; null when there is none.</summary>
    public DateTimeOffset? SecretChangedAt { get; init; }

    /// <summary>When the signing secret was set; null when calls are not signed.</summary>
    public DateTimeOffset? SigningSecretChangedAt { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Secrets to be stored with a webhook. A class, as a record would print them. Immutable.</summary>
public sealed class WebhookSecrets
{
    /// <summary>Changes none.</summary>
    public static WebhookSecrets Unchanged { get; } = new();

    /// <summary>The auth's secret, 8 to 1000 printable ASCII characters; null to keep the stored one.</summary>
    public string? Auth { get; init; }

    /// <summary>The signing secret, <c>whsec_</c> and the base64 form of 24 to 64 bytes; empty for none, null to keep what is stored.</summary>
    public string? Signing { get; init; }
}
