namespace JobPlatform.Core.Runs;

/// <summary>
/// The states of a run, and which may follow which; the table's CHECK constraints repeat what each state requires. In
/// tables and JSON they are lower-case words.
/// <code>
/// queued ──► running ──► success
///   │ ▲        │ ├─────► failed
///   │ │ ◄──────┤ ├─────► canceled
///   │ │ snooze │ ├─────► skipped (stopped itself)
///   │   drain  │ └─────► retrying ──► running
///   │                  │
///   ├──► skipped       └─────► canceled
///   └──► canceled
/// </code>
/// </summary>
public enum RunStatus
{
    /// <summary>Waits for <c>run_at</c>: now, or later for delayed and snoozed runs.</summary>
    Queued,

    /// <summary>A worker runs it.</summary>
    Running,

    /// <summary>An attempt failed; the next one starts at <c>run_at</c>.</summary>
    Retrying,

    /// <summary>Ended well, with an output.</summary>
    Success,

    /// <summary>Ended with an error, after the last attempt or for good.</summary>
    Failed,

    /// <summary>Ended because somebody asked for it.</summary>
    Canceled,

    /// <summary>Never ran; <c>skip_reason</c> says why.</summary>
    Skipped,
}

/// <summary>What can be told of a state.</summary>
public static class RunStatusExtensions
{
    /// <summary>True for states that a run never leaves.</summary>
    public static bool IsEnd(this RunStatus status) =>
        status is RunStatus.Success or RunStatus.Failed or RunStatus.Canceled or RunStatus.Skipped;

    /// <summary>The word in tables and JSON.</summary>
    public static string ToWord(this RunStatus status) => status switch
    {
        RunStatus.Queued => "queued",
        RunStatus.Running => "running",
        RunStatus.Retrying => "retrying",
        RunStatus.Success => "success",
        RunStatus.Failed => "failed",
        RunStatus.Canceled => "canceled",
        RunStatus.Skipped => "skipped",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "not a run status"),
    };

    /// <summary>The state of a word in a table.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such state.</exception>
    public static RunStatus FromWord(string word) => word switch
    {
        "queued" => RunStatus.Queued,
        "running" => RunStatus.Running,
        "retrying" => RunStatus.Retrying,
        "success" => RunStatus.Success,
        "failed" => RunStatus.Failed,
        "canceled" => RunStatus.Canceled,
        "skipped" => RunStatus.Skipped,
        _ => throw new ArgumentOutOfRangeException(nameof(word), word, "not a run status"),
    };
}
