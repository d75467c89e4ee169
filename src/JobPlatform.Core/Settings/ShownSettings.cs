using Microsoft.Extensions.Configuration;
using Npgsql;

namespace JobPlatform.Core.Settings;

/// <summary>A setting as it may be shown. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">What it is set to, without a secret; null where it is not set.</param>
/// <param name="Default">What holds then, in words; empty for nothing.</param>
public sealed record ShownSetting(string Name, string? Value, string Default);

/// <summary>All settings of the platform as they may be shown: of a secret only that it is set.</summary>
public static class ShownSettings
{
    private enum Form { Plain, Connection, Address, Secret }

    private static readonly (string Name, string Default, Form Form)[] Known =
    [
        ("ConnectionStrings:Platform", "", Form.Connection), ("ConnectionStrings:App", "the platform's", Form.Connection), ("ConnectionStrings:Owner", "the platform's", Form.Connection),
        ("JOBS_SECRET_KEY", "", Form.Secret), ("JOBS_SECRET_KEY_PREVIOUS", "", Form.Secret), ("CRON_SECRET", "", Form.Secret),
        ("PUBLIC_URL", "the address of the request", Form.Plain), ("ENVIRONMENT", "Production", Form.Plain), ("ENABLE_DEBUG_ROUTES", "false", Form.Plain),
        ("ENGINE", "auto", Form.Plain), ("ROLE", "all", Form.Plain), ("WORKER_CONCURRENCY", "16", Form.Plain), ("WORKER_QUEUES", "all", Form.Plain),
        ("LEASE_SECONDS", "15", Form.Plain), ("DRAIN_SECONDS", "25", Form.Plain), ("POLL_SECONDS", "1", Form.Plain), ("LISTEN", "true", Form.Plain),
        ("SMTP_URL", "mail waits", Form.Address), ("MAIL_FROM", "", Form.Plain), ("ADMIN_EMAILS", "all admins", Form.Plain), ("DEFAULT_LOCALE", "en", Form.Plain),
        ("STRIPE_SECRET_KEY", "", Form.Secret), ("STRIPE_WEBHOOK_SECRET", "", Form.Secret), ("STRIPE_API_URL", "Stripe's", Form.Address),
        ("BILLING_MODEL", "", Form.Plain), ("AFFILIATES_ENABLED", "false", Form.Plain),
        ("OPENAI_API_KEY", "", Form.Secret), ("OPENAI_API_URL", "OpenAI's", Form.Address), ("ANTHROPIC_API_KEY", "", Form.Secret), ("ANTHROPIC_API_URL", "Anthropic's", Form.Address),
        ("GOOGLE_API_KEY", "", Form.Secret), ("GOOGLE_API_URL", "Google's", Form.Address),
        ("VAPID_PUBLIC_KEY", "", Form.Plain), ("VAPID_PRIVATE_KEY", "", Form.Secret), ("VAPID_SUBJECT", "", Form.Plain),
        ("BLOB_URL", "", Form.Address), ("REDIS_URL", "streams are in PostgreSQL", Form.Address),
        ("OUTGOING_ALLOW", "nothing of the inside", Form.Plain), ("LOGS_ENABLED", "false", Form.Plain), ("LOGS_RETENTION_DAYS", "30", Form.Plain), ("LOG_FORMAT", "for people", Form.Plain),
        ("ALERT_MISSED_SECONDS", "600", Form.Plain), ("ALERT_LONG_RUN_SECONDS", "300", Form.Plain), ("ALERT_QUEUE_DEPTH", "1000", Form.Plain),
        ("ALERT_MAIL_MINUTES", "30", Form.Plain), ("HEARTBEAT_URL", "nobody hears", Form.Address),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere", Form.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", Form.Plain),
        ("CALLS_PER_MINUTE", "1200", Form.Plain), ("TRIGGERS_PER_MINUTE", "120", Form.Plain), ("CHANGES_PER_MINUTE", "60", Form.Plain),
        ("MANUAL_RUNS_PER_MINUTE", "10", Form.Plain), ("DESTRUCTIONS_PER_MINUTE", "5", Form.Plain), ("SIGN_INS_PER_MINUTE", "10", Form.Plain),
        ("SESSION_HOURS", "12", Form.Plain), ("RECENT_AUTH_MINUTES", "10", Form.Plain), ("TRUSTED_PROXIES", "none", Form.Plain), ("HSTS_DAYS", "0", Form.Plain),
        ("OIDC_AUTHORITY", "no single sign-on", Form.Plain), ("OIDC_CLIENT_ID", "", Form.Plain), ("OIDC_CLIENT_SECRET", "", Form.Secret),
        ("OIDC_ADMINS", "none", Form.Plain), ("OIDC_VIEWERS", "none", Form.Plain), ("OIDC_ROLE_CLAIM", "email", Form.Plain),
    ];

    /// <summary>All of them, in the order of what belongs together.</summary>
    /// <param name="configuration">Where they come from.</param>
    /// <param name="redactor">Masks secrets that stand where none belongs.</param>
    public static IReadOnlyList<ShownSetting> Of(IConfiguration configuration, SecretRedactor redactor) =>
        [.. Known.Select(known => new ShownSetting(known.Name,
            configuration[known.Name] is { Length: > 0 } value ? redactor.Redact(Show(value, known.Form)) : null, known.Default))];

    private static string Show(string value, Form form) => form switch
    {
        Form.Secret => "set, not shown",
        Form.Connection => ShowConnection(value),
        // The path may be a secret, too.
        Form.Address => Uri.TryCreate(value, UriKind.Absolute, out var url) ? $"{url.Scheme}://{url.Host}{(url.IsDefaultPort || url.Port < 0 ? "" : $":{url.Port}")}" : "set, and no address",
        _ => value,
    };

    private static string ShowConnection(string value)
    {
        try
        {
            var parts = new NpgsqlConnectionStringBuilder(value);
            return $"database {parts.Database} at {parts.Host}:{parts.Port}, as {parts.Username}";
        }
        catch (ArgumentException)
        {
            return "set, and cannot be read";
        }
    }
}
