namespace JobPlatform.Core.Administration;

/// <summary>What an API client may be allowed to do: the whole list, by which clients are made and routes say whom they serve.</summary>
public static class ClientScopes
{
    /// <summary>Read jobs, handlers, schedules and statistics.</summary>
    public const string JobsRead = "jobs:read";

    /// <summary>Start runs of enabled jobs.</summary>
    public const string JobsRun = "jobs:run";

    /// <summary>
    /// Define, change and delete jobs, handlers and schedules; beside <see cref="JobsRun"/>, force runs of disabled jobs, and let
    /// destructive handlers delete more than their jobs' configs say.
    /// </summary>
    public const string JobsWrite = "jobs:write";

    /// <summary>Read runs and their logs.</summary>
    public const string RunsRead = "runs:read";

    /// <summary>Cancel, retry and delete runs; retry one with another payload only beside <see cref="JobsRun"/>.</summary>
    public const string RunsWrite = "runs:write";

    /// <summary>Look at outgoing mail.</summary>
    public const string EmailsRead = "emails:read";

    /// <summary>Retry and cancel outgoing mail.</summary>
    public const string EmailsWrite = "emails:write";

    /// <summary>Tell of events that start runs.</summary>
    public const string EventsWrite = "events:write";

    /// <summary>The leaderboards of the client's company.</summary>
    public const string Leaderboard = "leaderboard";

    /// <summary>Start a sync of the directories of the client's company.</summary>
    public const string DirectorySync = "directory:sync";

    /// <summary>Read the audit log and the platform's errors.</summary>
    public const string AuditRead = "audit:read";

    /// <summary>Read <c>/metrics</c>.</summary>
    public const string MetricsRead = "metrics:read";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        JobsRead, JobsRun, JobsWrite, RunsRead, RunsWrite, EmailsRead, EmailsWrite, EventsWrite, Leaderboard, DirectorySync, AuditRead, MetricsRead,
    ];

    /// <summary>One sentence for a scope that is not in the list; null for one that is.</summary>
    public static string? FindFault(string scope) =>
        All.Contains(scope) ? null : $"scope: '{scope}' is not one of {string.Join(", ", All)}.{Suggestion.For(scope, All)}";
}
