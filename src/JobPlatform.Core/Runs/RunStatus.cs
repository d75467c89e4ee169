using System.Collections.Frozen;

namespace JobPlatform.Core.Runs;

/// <summary>
/// The states of a run. In tables and JSON they are lower-case words.
/// <code>
/// queued ──► running ──► success
///   │ ▲        │ ├─────► failed
///   │ │ ◄──────┤ ├─────► canceled
///   │ │ snooze │ └─────► retrying ──► running
///   │   drain          │
///   ├──► skipped       ├─────► canceled
///   └──► canceled      └─────► failed (its worker died too often)
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

/// <summary>The one table of allowed transitions; the table's CHECK constraints repeat its state rules.</summary>
public static class RunTransitions
{
    private static readonly FrozenDictionary<RunStatus, RunStatus[]> Allowed = new Dictionary<RunStatus, RunStatus[]>
    {
        [RunStatus.Queued] = [RunStatus.Running, RunStatus.Skipped, RunStatus.Canceled],
        [RunStatus.Running] = [RunStatus.Success, RunStatus.Failed, RunStatus.Canceled, RunStatus.Skipped, RunStatus.Retrying, RunStatus.Queued],
        [RunStatus.Retrying] = [RunStatus.Running, RunStatus.Canceled, RunStatus.Failed],
        [RunStatus.Success] = [],
        [RunStatus.Failed] = [],
        [RunStatus.Canceled] = [],
        [RunStatus.Skipped] = [],
    }.ToFrozenDictionary();

    /// <summary>True when a run in <paramref name="from"/> may become <paramref name="to"/>.</summary>
    public static bool IsAllowed(RunStatus from, RunStatus to) => Allowed[from].Contains(to);

    /// <summary>True for states that a run never leaves.</summary>
    public static bool IsEnd(this RunStatus status) => Allowed[status].Length == 0;

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
}
