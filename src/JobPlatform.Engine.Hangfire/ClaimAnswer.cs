using JobPlatform.Core.Runs;

namespace JobPlatform.Engine.Hangfire;

/// <summary>What became of the try to start a run, as a value.</summary>
internal abstract record ClaimAnswer
{
    private ClaimAnswer() { }

    /// <summary>It is this worker's and running.</summary>
    public sealed record Started(ClaimedRun Run) : ClaimAnswer;

    /// <summary>It is not due yet.</summary>
    public sealed record NotDue(DateTimeOffset RunAt) : ClaimAnswer;

    /// <summary>As many runs of its job run as may.</summary>
    public sealed record NoPlace : ClaimAnswer;

    /// <summary>It is at work, here or elsewhere, or its worker has died and that is not noticed yet.</summary>
    public sealed record AtWork : ClaimAnswer;

    /// <summary>This worker's lease has ended, or the run has moved to a queue that this worker does not serve.</summary>
    public sealed record NotHere(string Lane) : ClaimAnswer;

    /// <summary>Another job of Hangfire carries it.</summary>
    public sealed record CarriedBy(string Reference) : ClaimAnswer;

    /// <summary>It has ended.</summary>
    public sealed record Ended(RunStatus Status, string? SkipReason, string? Error) : ClaimAnswer;

    /// <summary>There is no such run (any more).</summary>
    public sealed record Gone : ClaimAnswer;
}
