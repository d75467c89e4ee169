using System.Text.Json;

namespace JobPlatform.Core.Jobs;

/// <summary>A definition: one version of a row of <c>jobs</c>. Immutable.</summary>
public sealed record Job : JobDefinition
{
    /// <summary>The columns that make a <see cref="Job"/>, for <c>jobs j</c>.</summary>
    internal const string Columns =
        """
        j.id, j.name, j.description, j.handler, j.cron_expression, j.time_zone, j.is_enabled, j.config, j.queue, j.priority,
        j.timeout_seconds, j.max_attempts, j.retry_delays, j.overlap_policy AS overlap, j.max_concurrency,
        j.misfire_policy AS misfire, j.notify_on_failure, j.missed_after_seconds, j.ping_url, j.version, j.created_at, j.updated_at
        """;

    /// <summary>The row's key.</summary>
    public long Id { get; init; }

    /// <summary>Grows with each change of the definition.</summary>
    public int Version { get; init; }

    /// <summary>When the row was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the definition last changed.</summary>
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>What becomes of a run that comes up while <c>max_concurrency</c> runs of its job are running.</summary>
public enum OverlapPolicy
{
    /// <summary>It is recorded as skipped.</summary>
    Skip,

    /// <summary>It waits.</summary>
    Queue,

    /// <summary>It runs too; there is no limit.</summary>
    Allow,
}

/// <summary>A job with what its runs came to.</summary>
public sealed record JobOverview
{
    /// <summary>The definition's name.</summary>
    public required string Name { get; init; }

    /// <summary>For people.</summary>
    public string Description { get; init; } = "";

    /// <summary>Its handler.</summary>
    public required string Handler { get; init; }

    /// <summary>When it is due.</summary>
    public string? CronExpression { get; init; }

    /// <summary>The zone of the cron expression.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Whether it is enabled.</summary>
    public bool IsEnabled { get; init; }

    /// <summary>The definition's version.</summary>
    public int Version { get; init; }

    /// <summary>The next due time as the engine has it; null when nothing is scheduled.</summary>
    public DateTimeOffset? NextDueAt { get; init; }

    /// <summary>The run that ended last; null when none has.</summary>
    public Guid? LastRunId { get; init; }

    /// <summary>How the last run ended; null when none has.</summary>
    public string? LastStatus { get; init; }

    /// <summary>When the last run ended.</summary>
    public DateTimeOffset? LastFinishedAt { get; init; }

    /// <summary>How long it took.</summary>
    public long? LastDurationMs { get; init; }

    /// <summary>What it put out, or its error.</summary>
    public JsonElement? LastResult { get; init; }

    /// <summary>Runs that ended well.</summary>
    public long SuccessCount { get; init; }

    /// <summary>Runs that failed.</summary>
    public long FailedCount { get; init; }
}
