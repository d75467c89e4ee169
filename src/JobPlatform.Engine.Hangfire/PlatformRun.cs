using Hangfire;
using Hangfire.Server;
using Hangfire.States;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// The one method that Hangfire stores and calls. Its name and its arguments lie in Hangfire's tables: they never change.
/// </summary>
public sealed class PlatformRun
{
    // Hangfire keeps whole seconds, rounded down, so that a job may come up this much early; it is waited for.
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(1.5);
    // How long a run without a place waits when nobody wakes it; the end of another run does.
    private static readonly TimeSpan NoPlaceWait = TimeSpan.FromMinutes(10);

    private readonly HangfireClaimer _claimer;
    private readonly RunningRuns _running;
    private readonly EngineSignals _signals;
    private readonly EngineOptions _options;
    private readonly TimeProvider _clock;

    internal PlatformRun(HangfireClaimer claimer, RunningRuns running, EngineSignals signals, EngineOptions options, TimeProvider clock) =>
        (_claimer, _running, _signals, _options, _clock) = (claimer, running, signals, options, clock);

    /// <summary>Starts the run and waits for its end.</summary>
    /// <param name="job">The job's name when it was made, for the dashboard.</param>
    /// <param name="run">The run; null for a due time, whose run is a parameter of the Hangfire job.</param>
    /// <param name="trigger">Why the run exists, for the dashboard.</param>
    /// <param name="context">Hangfire's own.</param>
    /// <exception cref="RunFailedException">The attempt failed.</exception>
    [JobDisplayName("{0}")]
    public async Task RunAsync(string job, string? run, string trigger, PerformContext? context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var answer = run is null ? new ClaimAnswer.Gone() : await ClaimAsync(Guid.Parse(run), context.BackgroundJob.Id);
        // A due time, or requeued after its end: then it carries another run.
        if (answer is ClaimAnswer.Ended or ClaimAnswer.Gone && CarriedRun.Find(context) is { } carried && carried.ToString() != run)
            answer = await ClaimAsync(carried, context.BackgroundJob.Id);

        var state = answer is ClaimAnswer.Started { Run: var started } ? await ExecuteAsync(started) : StateAfter(answer);
        if (state is not null) NextState.Set(context, state);
    }

    private async Task<ClaimAnswer> ClaimAsync(Guid run, string reference)
    {
        while (true)
        {
            var answer = await _claimer.ClaimAsync(run, reference);
            if (answer is not ClaimAnswer.NotDue { RunAt: var at }) return answer;
            var left = at - _clock.GetUtcNow();
            if (left > Early) return answer;
            // Timers are some milliseconds early at times. Putting it off again would cost up to a second (seen: 3 % of the runs).
            await Task.Delay(left > TimeSpan.Zero ? left + TimeSpan.FromMilliseconds(1) : TimeSpan.Zero, _clock, CancellationToken.None);
        }
    }

    private async Task<IState?> ExecuteAsync(ClaimedRun run)
    {
        var settled = _running.TakeAndFollow(run);
        var ending = await _running.ExecuteAsync(run);
        var recorded = await settled;
        // Others may wait for its place.
        if (run.Limited) _signals.Runs.Set();
        return recorded switch
        {
            null => new DeletedState { Reason = "The run went on elsewhere." },
            RunStatus.Success => null,
            RunStatus.Retrying => throw new RunFailedException(ending.Error!, ending.RunAt),
            RunStatus.Failed => throw new RunFailedException(ending.Error!, nextAt: null),
            RunStatus.Queued => Later(ending.RunAt!.Value, "The run was put off."),
            RunStatus.Skipped => new DeletedState { Reason = $"Skipped: {ending.SkipReason}." },
            _ => new DeletedState { Reason = "The run was canceled." },
        };
    }

    private IState? StateAfter(ClaimAnswer answer) => answer switch
    {
        ClaimAnswer.NotDue { RunAt: var at } => Later(at, "The run is not due yet."),
        ClaimAnswer.NoPlace => Later(_clock.GetUtcNow() + NoPlaceWait, "As many runs of the job run as may (max_concurrency)."),
        ClaimAnswer.AtWork => Later(_clock.GetUtcNow() + _options.Lease, "The run is at work, or its worker has just died."),
        ClaimAnswer.NotHere { Lane: var lane } => new EnqueuedState(lane) { Reason = "This worker may not take it." },
        ClaimAnswer.CarriedBy { Reference: var other } => new DeletedState { Reason = $"The run is carried by the job #{other}." },
        ClaimAnswer.Ended { Status: RunStatus.Success } => null,
        ClaimAnswer.Ended { Status: RunStatus.Failed, Error: { } error } => new FailedState(new RunFailedException(error, nextAt: null)),
        ClaimAnswer.Ended { SkipReason: { } reason } => new DeletedState { Reason = $"Skipped: {reason}." },
        ClaimAnswer.Ended { Status: var status } => new DeletedState { Reason = $"The run has ended: {status.ToWord()}." },
        _ => new DeletedState { Reason = "There is no such run." },
    };

    private IState Later(DateTimeOffset at, string reason) => NextState.At(at, _clock.GetUtcNow(), reason);
}
