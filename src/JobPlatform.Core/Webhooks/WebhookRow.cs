using System.Text.Json;
using JobPlatform.Core.Administration;

namespace JobPlatform.Core.Webhooks;

/// <summary>A row of <c>job_handlers</c>, with its sealed secrets.</summary>
internal sealed class WebhookRow
{
    public const string Columns =
        """
        key, description, url, method, replace(auth_kind, '_', '') AS auth, auth_name, headers, timeout_seconds, is_enabled, version,
        secret_encrypted, secret_changed_at, signing_secret_encrypted, signing_secret_changed_at, created_at, updated_at
        """;

    public required string Key { get; init; }
    public required string Description { get; init; }
    public required string Url { get; init; }
    public required string Method { get; init; }
    public WebhookAuth Auth { get; init; }
    public string? AuthName { get; init; }
    public JsonElement Headers { get; init; }
    public int TimeoutSeconds { get; init; }
    public bool IsEnabled { get; init; }
    public int Version { get; init; }
    public byte[]? SecretEncrypted { get; init; }
    public DateTimeOffset? SecretChangedAt { get; init; }
    public byte[]? SigningSecretEncrypted { get; init; }
    public DateTimeOffset? SigningSecretChangedAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }

    public Webhook ToWebhook() => new()
    {
        Key = Key,
        Description = Description,
        Url = Url,
        Method = Method,
        Auth = Auth,
        AuthName = AuthName,
        // Written by hand, a value may be of any kind, and a secret; those that are no text are of no use in a header, and
        // with a secret among them the webhook is not called.
        Headers = Headers.EnumerateObject().Where(header => header.Value.ValueKind == JsonValueKind.String)
            .GroupBy(header => header.Name).ToDictionary(header => header.Key, header => Show(header.Key, header.Last().Value.GetString()!)),
        TimeoutSeconds = TimeoutSeconds,
        IsEnabled = IsEnabled,
        Version = Version,
        SecretChangedAt = SecretChangedAt,
        SigningSecretChangedAt = SigningSecretChangedAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
    };

    private static string Show(string name, string value) =>
        SecretNames.IsSecret(name) || SecretNames.IsCredential(value) ? SecretNames.Masked : value;
}
