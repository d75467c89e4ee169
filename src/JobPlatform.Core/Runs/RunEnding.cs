using JobPlatform.Core.Jobs;

namespace JobPlatform.Core.Runs;

/// <summary>How an attempt that did not succeed ended, for <c>job_attempts</c>.</summary>
public enum AttemptOutcome
{
    /// <summary>The handler failed.</summary>
    Failed,

    /// <summary>The job's time was up.</summary>
    Timeout,

    /// <summary>Somebody asked for it.</summary>
    Canceled,
}

/// <summary>
/// What is to be recorded of an attempt, as a value: the row's next state and all that goes with it. Immutable.
/// </summary>
public sealed record RunEnding
{
    /// <summary>The attempt that ends.</summary>
    public required ClaimedRun Run { get; init; }

    /// <summary>The job as it was run; null where it was gone, or the attempt never began.</summary>
    public Job? Job { get; init; }

    /// <summary>The run's next state.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>When the attempt really began; a claimed run may have waited in the worker's own queue.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When the attempt ended.</summary>
    public required DateTimeOffset FinishedAt { get; init; }

    /// <summary>How long the attempt took.</summary>
    public long DurationMs => Math.Max(0, (long)(FinishedAt - StartedAt).TotalMilliseconds);

    /// <summary>When it is to go on (states <c>retrying</c> and <c>queued</c>).</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>Why it is skipped: <c>overlap</c> or <c>safety_stop</c>.</summary>
    public string? SkipReason { get; init; }

    /// <summary>JSON text.</summary>
    public string? Output { get; init; }

    /// <summary>JSON text of an object with type, message, attempt and perhaps stack.</summary>
    public string? Error { get; init; }

    /// <summary>How the attempt ended, when it goes to <c>job_attempts</c>.</summary>
    public AttemptOutcome? Attempt { get; init; }

    /// <summary>False when this attempt shall not count: snoozed, or handed back by a worker that drains.</summary>
    public bool CountsAttempt { get; init; } = true;
}
