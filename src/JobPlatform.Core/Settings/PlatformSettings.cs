using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Redis;
using JobPlatform.Core.Stripe;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace JobPlatform.Core.Settings;

/// <summary>What this process is for.</summary>
public enum ProcessRole
{
    /// <summary>Serves HTTP and runs jobs.</summary>
    All,

    /// <summary>Serves HTTP; submits runs.</summary>
    Web,

    /// <summary>Runs jobs; serves only health.</summary>
    Worker,
}

/// <summary>How long the platform's own errors and warnings are kept.</summary>
/// <param name="Days">1 to 36,500.</param>
public sealed record LogRetention(int Days);

/// <summary>Everything an operator can set, read and checked once at start. Immutable.</summary>
public sealed partial record PlatformSettings
{
    /// <summary><c>ConnectionStrings:Platform</c>: the platform's database.</summary>
    public required string PlatformConnection { get; init; }

    /// <summary><c>ConnectionStrings:App</c>: the application's database; by default the platform's.</summary>
    public required string AppConnection { get; init; }

    /// <summary><c>ConnectionStrings:Owner</c>: for migrations and roles; by default the platform's.</summary>
    public required string OwnerConnection { get; init; }

    /// <summary><c>ENGINE</c>: auto, hangfire or embedded. Default auto.</summary>
    public required string Engine { get; init; }

    /// <summary><c>ROLE</c> or <c>--role</c>. Default all.</summary>
    public required ProcessRole Role { get; init; }

    /// <summary><c>PUBLIC_URL</c>: the address in links and mails; null for the address that the server listens on.</summary>
    public required Uri? PublicUrl { get; init; }

    /// <summary><c>JOBS_SECRET_KEY</c>, and the one before it while it is being replaced. The first may be missing
    /// where nothing is served (<see cref="RequireServing"/>).</summary>
    public required IReadOnlyList<string> JobsSecretKeys { get; init; }

    /// <summary>The SHA-256 of <c>CRON_SECRET</c>, which an outside cron caller shows; empty when it is not set.</summary>
    public required ReadOnlyMemory<byte> CronSecretHash { get; init; }

    /// <summary><c>WORKER_CONCURRENCY</c>: handlers at once. Default 16.</summary>
    public required int Concurrency { get; init; }

    /// <summary><c>WORKER_QUEUES</c>: a list with commas; null for all queues.</summary>
    public required IReadOnlyList<string>? Queues { get; init; }

    /// <summary><c>POLL_SECONDS</c>. Default 1.</summary>
    public required TimeSpan PollInterval { get; init; }

    /// <summary><c>LEASE_SECONDS</c>. Default 15.</summary>
    public required TimeSpan Lease { get; init; }

    /// <summary><c>DRAIN_SECONDS</c>. Default 25.</summary>
    public required TimeSpan Drain { get; init; }

    /// <summary><c>LISTEN</c>: false behind PgBouncer in transaction mode. Default true.</summary>
    public required bool Listen { get; init; }

    /// <summary>Who may call, and how often.</summary>
    public required AccessSettings Access { get; init; }

    /// <summary>The provider for single sign-on; null without <c>OIDC_AUTHORITY</c>.</summary>
    public required OidcSettings? Oidc { get; init; }

    /// <summary><c>LOGS_ENABLED</c>: keeps the platform's own warnings and errors in <c>error_logs</c>. Default false.</summary>
    public required bool LogsEnabled { get; init; }

    /// <summary><c>LOGS_RETENTION_DAYS</c>. Default 30.</summary>
    public required LogRetention LogRetention { get; init; }

    /// <summary><c>ENVIRONMENT</c> is Development; everything else, also nothing, is production.</summary>
    public required bool IsDevelopment { get; init; }

    /// <summary><c>ENABLE_DEBUG_ROUTES</c>: routes that admins find faults with, in production too. Default false.</summary>
    public required bool HasDebugRoutes { get; init; }

    /// <summary><c>REDIS_URL</c>; null when it is not set.</summary>
    public required RedisServer? Redis { get; init; }

    /// <summary><c>BLOB_URL</c>; null when it is not set.</summary>
    public required BlobLocation? Blobs { get; init; }

    /// <summary><c>SMTP_URL</c> and <c>MAIL_FROM</c>.</summary>
    public required SmtpSettings Smtp { get; init; }

    /// <summary><c>OUTGOING_ALLOW</c>: what of the inside the addresses in rows may reach. Default nothing.</summary>
    public required AllowList OutgoingAllowed { get; init; }

    /// <summary><c>STRIPE_…</c>.</summary>
    public required StripeSettings Stripe { get; init; }

    /// <summary><c>VAPID_…</c>; null when they are not set.</summary>
    public required VapidSettings? Vapid { get; init; }

    /// <summary><c>ADMIN_EMAILS</c> and <c>DEFAULT_LOCALE</c>.</summary>
    public required MailSettings Mail { get; init; }

    /// <summary><c>OTEL_EXPORTER_OTLP_ENDPOINT</c>; null when it is not set.</summary>
    public required OtlpTarget? Otlp { get; init; }

    /// <summary><c>ALERT_…</c> and <c>HEARTBEAT_URL</c>.</summary>
    public required AlertSettings Alerts { get; init; }

    /// <summary>The AI providers whose key is set.</summary>
    public required IReadOnlyList<AiProvider> AiProviders { get; init; }

    /// <summary>What is wrong; empty when all is well.</summary>
    public required IReadOnlyList<string> Faults { get; init; }

    // Settings whose values must never be shown. Connection strings count with their passwords.
    private static readonly string[] SecretNames =
    [
        "JOBS_SECRET_KEY", "JOBS_SECRET_KEY_PREVIOUS", "CRON_SECRET", "SMTP_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET",
        "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "VAPID_PRIVATE_KEY", "OIDC_CLIENT_SECRET", "BLOB_URL", "REDIS_URL", "HEARTBEAT_URL",
    ];

    // Their user part is a secret of its own: a library's error may show it apart from the address, percent-decoded.
    private static readonly string[] AddressesWithPassword = ["SMTP_URL", "REDIS_URL", "BLOB_URL"];

    /// <summary>Reads all settings and finds every fault at once.</summary>
    /// <param name="configuration">Where they come from.</param>
    /// <param name="engines">The engines that are built in; <c>embedded</c> alone when none is given.</param>
    public static PlatformSettings Read(IConfiguration configuration, params IReadOnlyList<string> engines)
    {
        var reader = new Reader(configuration);
        var platform = reader.Connection("Platform", required: true);
        return new PlatformSettings
        {
            PlatformConnection = platform,
            AppConnection = reader.Connection("App", required: false) is { Length: > 0 } app ? app : platform,
            OwnerConnection = reader.Connection("Owner", required: false) is { Length: > 0 } owner ? owner : platform,
            Engine = reader.Engine("ENGINE", engines.Count > 0 ? engines : ["embedded"]),
            Role = Enum.Parse<ProcessRole>(reader.Choice("ROLE", "all", "all", "web", "worker"), ignoreCase: true),
            PublicUrl = reader.Url("PUBLIC_URL"),
            JobsSecretKeys = reader.SecretKeys("JOBS_SECRET_KEY", "JOBS_SECRET_KEY_PREVIOUS"),
            CronSecretHash = reader.SecretHash("CRON_SECRET"),
            Concurrency = reader.Number("WORKER_CONCURRENCY", 16, 1, 1000),
            Queues = reader.Queues("WORKER_QUEUES"),
            PollInterval = TimeSpan.FromSeconds(reader.Number("POLL_SECONDS", 1, 1, 60)),
            Lease = TimeSpan.FromSeconds(reader.Number("LEASE_SECONDS", 15, 3, 600)),
            Drain = TimeSpan.FromSeconds(reader.Number("DRAIN_SECONDS", 25, 0, 3600)),
            Listen = reader.Choice("LISTEN", "true", "true", "false") == "true",
            Access = reader.Access(),
            Oidc = reader.Oidc(),
            LogsEnabled = reader.Choice("LOGS_ENABLED", "false", "true", "false") == "true",
            LogRetention = new(reader.Number("LOGS_RETENTION_DAYS", 30, 1, 36_500)),
            IsDevelopment = "Development".Equals(configuration["ENVIRONMENT"], StringComparison.OrdinalIgnoreCase),
            HasDebugRoutes = reader.Choice("ENABLE_DEBUG_ROUTES", "false", "true", "false") == "true",
            Redis = reader.Redis("REDIS_URL"),
            Blobs = reader.Blobs("BLOB_URL"),
            Smtp = reader.Smtp(),
            OutgoingAllowed = reader.Allowed("OUTGOING_ALLOW"),
            Stripe = StripeSettings.Read(configuration, reader.Faults),
            Vapid = VapidSettings.Read(configuration, reader.Faults),
            Mail = MailSettings.Read(configuration, reader.Faults),
            Alerts = AlertSettings.Read(configuration, reader.Faults),
            Otlp = OtlpTarget.Read(configuration, reader.Faults),
            AiProviders = AiProvider.Read(configuration, reader.Faults),
            Faults = reader.Faults,
        };
    }

    /// <summary>Adds what only a process that serves HTTP needs.</summary>
    public PlatformSettings RequireServing() =>
        JobsSecretKeys.Count > 0 || Faults.Any(fault => fault.StartsWith("JOBS_SECRET_KEY:", StringComparison.Ordinal))
            ? this
            : this with { Faults = [.. Faults, Secrets.FindFault("JOBS_SECRET_KEY", null)!] };

    /// <summary>Masks every secret of the settings in texts that leave the process.</summary>
    public static SecretRedactor CreateRedactor(IConfiguration configuration)
    {
        var values = SecretNames.Select(name => configuration[name]).OfType<string>().ToList();
        foreach (var name in new[] { "Platform", "App", "Owner" })
            if (configuration.GetConnectionString(name) is { Length: > 0 } connection && TryReadConnection(connection, out var parts, out _)
                && parts.Password is { Length: > 0 } password)
                values.Add(password);
        foreach (var name in AddressesWithPassword)
            if (Uri.TryCreate(configuration[name], UriKind.Absolute, out var address) && address.UserInfo.Split(':', 2) is [_, { Length: > 0 } secret])
                values.AddRange([secret, Uri.UnescapeDataString(secret)]);
        return new SecretRedactor(values);
    }

    // As the column jobs.queue has it.
    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,49}\z")]
    private static partial Regex QueueName();

    private static bool TryReadConnection(string text, out NpgsqlConnectionStringBuilder parts, out string? error)
    {
        try
        {
            (parts, error) = (new NpgsqlConnectionStringBuilder(text), null);
            return true;
        }
        catch (ArgumentException e)
        {
            (parts, error) = (new NpgsqlConnectionStringBuilder(), e.Message);
            return false;
        }
    }

    private sealed class Reader(IConfiguration configuration)
    {
        public List<string> Faults { get; } = [];

        public string Connection(string name, bool required)
        {
            var value = configuration.GetConnectionString(name);
            if (string.IsNullOrWhiteSpace(value))
            {
                if (required)
                    Faults.Add($"ConnectionStrings__{name}: it is not set. Give a PostgreSQL connection string such as " +
                               "Host=localhost;Database=jobplatform;Username=me;Password=…, or start a private database with deploy/up.sh.");
                return "";
            }
            if (!TryReadConnection(value, out var parts, out var error))
                Faults.Add($"ConnectionStrings__{name}: it cannot be read ({error}). Give Host=…;Database=…;Username=…;Password=….");
            else if (string.IsNullOrEmpty(parts.Host))
                Faults.Add($"ConnectionStrings__{name}: it names no host. Give Host=…;Database=…;Username=…;Password=….");
            return value;
        }

        public string Choice(string name, string defaultValue, params string[] choices)
        {
            if (configuration[name] is not { Length: > 0 } value) return defaultValue;
            if (choices.FirstOrDefault(choice => choice.Equals(value.Trim(), StringComparison.OrdinalIgnoreCase)) is { } chosen) return chosen;
            Faults.Add($"{name}: '{value}' is not one of {string.Join(", ", choices)}.{Suggestion.For(value, choices)}");
            return defaultValue;
        }

        public string Engine(string name, IReadOnlyList<string> builtIn)
        {
            var engine = Choice(name, "auto", "auto", "hangfire", "embedded");
            if (engine == "auto" || builtIn.Contains(engine)) return engine;
            Faults.Add($"{name}: '{engine}' is not in this build. " +
                       "Build with -p:HangfireEngine=true where its packages restore, or set ENGINE=embedded.");
            return "auto";
        }

        public string[]? Queues(string name)
        {
            if (configuration[name] is not { Length: > 0 } value) return null;
            var queues = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (queues.Length == 0) Faults.Add($"{name}: '{value}' names no queue. List queues with commas, or leave it out for all.");
            foreach (var queue in queues.Where(queue => !QueueName().IsMatch(queue)))
                Faults.Add($"{name}: '{queue}' is no queue's name: up to 50 lower-case letters, digits, dots, dashes and underscores.");
            return queues;
        }

        public ReadOnlyMemory<byte> SecretHash(string name)
        {
            if (configuration[name] is not { Length: > 0 } value) return default;
            if (Secrets.FindFault(name, value) is { } fault) Faults.Add(fault);
            return SHA256.HashData(Encoding.UTF8.GetBytes(value));
        }

        public int Number(string name, int defaultValue, int minimum, int maximum)
        {
            if (configuration[name] is not { Length: > 0 } value) return defaultValue;
            if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum)
                return number;
            Faults.Add($"{name}: '{value}' is not a whole number from {minimum} to {maximum}.");
            return defaultValue;
        }

        public Uri? Url(string name)
        {
            if (configuration[name] is not { Length: > 0 } value) return null;
            if (Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.UserInfo.Length == 0) return url;
            Faults.Add($"{name}: '{value}' is not an address such as https://jobs.example.com.");
            return null;
        }

        public AccessSettings Access() => new()
        {
            RecentAuth = TimeSpan.FromMinutes(Number("RECENT_AUTH_MINUTES", 10, 1, 1440)),
            SessionLifetime = TimeSpan.FromHours(Number("SESSION_HOURS", 12, 1, 720)),
            CallsPerMinute = Number("CALLS_PER_MINUTE", 1200, 1, 1_000_000),
            TriggersPerMinute = Number("TRIGGERS_PER_MINUTE", 120, 1, 1_000_000),
            ChangesPerMinute = Number("CHANGES_PER_MINUTE", 60, 1, 1_000_000),
            ManualRunsPerMinute = Number("MANUAL_RUNS_PER_MINUTE", 10, 1, 1_000_000),
            DestructionsPerMinute = Number("DESTRUCTIONS_PER_MINUTE", 5, 1, 1_000_000),
            SignInsPerMinute = Number("SIGN_INS_PER_MINUTE", 10, 1, 10_000),
            TrustedProxies = Networks("TRUSTED_PROXIES"),
            Hsts = TimeSpan.FromDays(Number("HSTS_DAYS", 0, 0, 3650)),
        };

        public OidcSettings? Oidc()
        {
            if (Url("OIDC_AUTHORITY") is not { } authority) return null;
            if (authority.Scheme != Uri.UriSchemeHttps && !authority.IsLoopback)
                Faults.Add($"OIDC_AUTHORITY: '{authority}' is not encrypted. Give the provider's https address.");
            var (admins, viewers) = (List("OIDC_ADMINS"), List("OIDC_VIEWERS"));
            if (admins.Length + viewers.Length == 0)
                Faults.Add("OIDC_ADMINS: neither it nor OIDC_VIEWERS is set, so that nobody could sign in. List e-mail addresses, or values of OIDC_ROLE_CLAIM.");
            return new()
            {
                Authority = authority,
                ClientId = Needed("OIDC_CLIENT_ID"),
                ClientSecret = Needed("OIDC_CLIENT_SECRET"),
                RoleClaim = configuration["OIDC_ROLE_CLAIM"] is { Length: > 0 } claim ? claim.Trim() : "email",
                Admins = admins,
                Viewers = viewers,
            };
        }

        private string Needed(string name)
        {
            if (configuration[name] is { Length: > 0 } value) return value;
            Faults.Add($"{name}: it is not set, and OIDC_AUTHORITY is. Give what the provider shows for this client.");
            return "";
        }

        private string[] List(string name) =>
            (configuration[name] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

        private List<IPNetwork> Networks(string name)
        {
            var networks = new List<IPNetwork>();
            foreach (var text in List(name))
                if (IPNetwork.TryParse(text, out var network)) networks.Add(network);
                else if (IPAddress.TryParse(text, out var address)) networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
                else Faults.Add($"{name}: '{text}' is not an address such as 10.0.0.7 or a network such as 10.0.0.0/8. List them with commas.");
            return networks;
        }

        public RedisServer? Redis(string name)
        {
            if (configuration[name] is not { Length: > 0 } url) return null;
            if (!RedisServer.TryParse(url, out var server, out var fault)) Faults.Add($"{name}: {fault}");
            return server;
        }

        public BlobLocation? Blobs(string name)
        {
            if (configuration[name] is not { Length: > 0 } url) return null;
            if (!BlobLocation.TryParse(url, out var location, out var fault)) Faults.Add($"{name}: {fault}");
            return location;
        }

        public SmtpSettings Smtp()
        {
            MailAddress? from = null;
            if (configuration["MAIL_FROM"] is { Length: > 0 } sender && !MailAddress.TryCreate(sender.Trim(), out from))
                Faults.Add($"MAIL_FROM: '{sender}' is not an address such as jobs@example.com or Jobs <jobs@example.com>.");
            if (configuration["SMTP_URL"] is not { Length: > 0 } url) return new(null, from);
            if (!SmtpServer.TryParse(url, out var server, out var fault)) Faults.Add($"SMTP_URL: {fault}");
            else if (string.IsNullOrEmpty(configuration["MAIL_FROM"]))
                Faults.Add("MAIL_FROM: it is not set, and SMTP_URL is. Give the sender of mails, such as Jobs <jobs@example.com>.");
            return new(server, from);
        }

        public AllowList Allowed(string name)
        {
            var (allowed, faults) = AllowList.Parse(configuration[name]);
            Faults.AddRange(faults.Select(fault => $"{name}: {fault}"));
            return allowed;
        }

        public List<string> SecretKeys(string name, string previousName)
        {
            var keys = new List<string>();
            foreach (var key in new[] { name, previousName })
            {
                if (configuration[key] is not { Length: > 0 } value) continue;
                if (Secrets.FindFault(key, value) is { } fault) Faults.Add(fault);
                else keys.Add(value);
            }
            if (keys.Count == 1 && string.IsNullOrEmpty(configuration[name]))
                Faults.Add($"{previousName}: it is set without {name}. Set {name} to the new key first.");
            return keys;
        }
    }
}
