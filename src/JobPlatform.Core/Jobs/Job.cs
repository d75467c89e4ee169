using System.Text.Json;

namespace JobPlatform.Core.Jobs;

/// <summary>A definition: one version of a row of <c>jobs</c>. Immutable.</summary>
public sealed record Job
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

    /// <summary>Lower-case letters, digits, dots, dashes and underscores; unique; at most 100.</summary>
    public required string Name { get; init; }

    /// <summary>For people.</summary>
    public string Description { get; init; } = "";

    /// <summary>The key of a code handler or of a webhook handler.</summary>
    public required string Handler { get; init; }

    /// <summary>When it is due; null for jobs that only people and events start.</summary>
    public string? CronExpression { get; init; }

    /// <summary>The IANA zone that the cron expression is read in. Default UTC.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>A disabled job runs only when forced.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>The handler's config, a JSON object.</summary>
    public JsonElement Config { get; init; }

    /// <summary>The queue its runs wait in. Default <c>default</c>.</summary>
    public string Queue { get; init; } = "default";

    /// <summary>1 (first) to 9 (last). Default 5.</summary>
    public int Priority { get; init; } = 5;

    /// <summary>Seconds that one attempt may take. Default 300.</summary>
    public int TimeoutSeconds { get; init; } = 300;

    /// <summary>How often a run is tried. Default 3.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>See <see cref="Runs.RetryPolicy"/>.</summary>
    public string RetryDelays { get; init; } = Runs.RetryPolicy.Default;

    /// <summary>What becomes of a run while the job is running already.</summary>
    public OverlapPolicy Overlap { get; init; }

    /// <summary>How many runs may run at once under <c>skip</c> and <c>queue</c>. Default 1.</summary>
    public int MaxConcurrency { get; init; } = 1;

    /// <summary>What becomes of due times that passed unnoticed.</summary>
    public Schedules.MisfirePolicy Misfire { get; init; }

    /// <summary>Whether a failed run is reported to the admins.</summary>
    public bool NotifyOnFailure { get; init; } = true;

    /// <summary>Seconds after which a due time without a start is reported; null for the default.</summary>
    public int? MissedAfterSeconds { get; init; }

    /// <summary>Where start and end of each run are reported to; null for nowhere.</summary>
    public string? PingUrl { get; init; }

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

    /// <summary>Its handler.</summary>
    public required string Handler { get; init; }

    /// <summary>When it is due.</summary>
    public string? CronExpression { get; init; }

    /// <summary>The zone of the cron expression.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Whether it is enabled.</summary>
    public bool IsEnabled { get; init; }

    /// <summary>The next due time as the engine has it; null when nothing is scheduled.</summary>
    public DateTimeOffset? NextDueAt { get; init; }

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
