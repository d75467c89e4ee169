using System.Net;

namespace JobPlatform.Core.Administration;

/// <summary>Who acts, named the same in the audit log, in <c>job_versions</c> and in runs. Immutable.</summary>
/// <param name="Name"><c>admin:EMAIL</c>, <c>client:NAME</c>, <c>operator</c>, <c>cli:USER</c>, or <c>anonymous</c>.</param>
/// <param name="Address">Where from; null for a process of the machine itself.</param>
public sealed record Actor(string Name, IPAddress? Address = null)
{
    /// <summary>
    /// Whether it may let a destructive handler delete more than its job's config, or the handler's defaults, would: an
    /// admin only with a password that was just shown, a client only with the scope <see cref="ClientScopes.JobsWrite"/>.
    /// Default false.
    /// </summary>
    public bool MayWiden { get; init; }

    /// <summary>The holder of <c>JOBS_SECRET_KEY</c>.</summary>
    public static Actor Operator { get; } = new("operator") { MayWiden = true };

    /// <summary>Somebody who has shown nothing yet, such as one who fails to sign in.</summary>
    public static Actor Anonymous { get; } = new("anonymous");

    /// <summary>Whoever runs this process.</summary>
    public static Actor CommandLine { get; } = new($"cli:{Environment.UserName}") { MayWiden = true };

    /// <summary>Whoever uses Hangfire's own dashboard.</summary>
    public static Actor HangfireDashboard { get; } = new("hangfire-dashboard");

    /// <summary>An account of <c>admin_users</c>, whatever its role.</summary>
    public static Actor Admin(string email) => new($"admin:{email}");

    /// <summary>A row of <c>api_clients</c>.</summary>
    public static Actor Client(string name) => new($"client:{name}");

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}
