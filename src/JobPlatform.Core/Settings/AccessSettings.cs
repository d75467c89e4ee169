using System.Net;

namespace JobPlatform.Core.Settings;

/// <summary>Who may call, how often, and for how long a sign-in holds. Immutable.</summary>
public sealed record AccessSettings
{
    /// <summary><c>RECENT_AUTH_MINUTES</c>: how long after a password or an OIDC sign-in a session may destroy. Default 10 min.</summary>
    public required TimeSpan RecentAuth { get; init; }

    /// <summary><c>SESSION_HOURS</c>: a session ends when it was not used for so long. Default 12 h.</summary>
    public required TimeSpan SessionLifetime { get; init; }

    /// <summary><c>CALLS_PER_MINUTE</c>: all calls of one caller. Default 1200.</summary>
    public required int CallsPerMinute { get; init; }

    /// <summary><c>TRIGGERS_PER_MINUTE</c>: calls of one key that change something or start a run. Default 120.</summary>
    public required int TriggersPerMinute { get; init; }

    /// <summary><c>CHANGES_PER_MINUTE</c>: changes of one session. Default 60.</summary>
    public required int ChangesPerMinute { get; init; }

    /// <summary><c>MANUAL_RUNS_PER_MINUTE</c>: runs that one session starts. Default 10.</summary>
    public required int ManualRunsPerMinute { get; init; }

    /// <summary><c>DESTRUCTIONS_PER_MINUTE</c>: changes of one session that cannot be taken back. Default 5.</summary>
    public required int DestructionsPerMinute { get; init; }

    /// <summary><c>SIGN_INS_PER_MINUTE</c>: sign-ins tried from one address, all web nodes together. Default 10.</summary>
    public required int SignInsPerMinute { get; init; }

    /// <summary><c>TRUSTED_PROXIES</c>: addresses or networks whose <c>X-Forwarded-For</c> and <c>-Proto</c> are believed. Default none.</summary>
    public required IReadOnlyList<IPNetwork> TrustedProxies { get; init; }

    /// <summary><c>HSTS_DAYS</c>: for how long browsers are told to come by HTTPS only; 0, the default, for not at all.</summary>
    public required TimeSpan Hsts { get; init; }
}
