using System.Collections.Concurrent;
using System.Diagnostics;
using JobPlatform.Core.Alerts;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Telemetry;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Engine;

/// <summary>
/// The claimed runs of this process, whichever engine claimed them: executes them, records how they ended, keeps the
/// worker's lease, takes over from dead workers, passes cancellations on, and drains at shut-down.
/// </summary>
internal sealed partial class RunningRuns(
    RunCompleter completer, RunExecutor executor, WorkerLease lease, JobPings pings,
    EngineOptions options, EngineSignals signals, TimeProvider clock, ILogger<RunningRuns> log) : IDisposable
{
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);
    // How long handlers that were told to stop at shut-down, and then the records of their ending, may take.
    public static readonly TimeSpan LastWords = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, RunControl> _running = new();
    // Every run from its claim until its ending is settled, by the fence it was claimed under.
    // With the one who waits for that, if anybody does.
    private readonly ConcurrentDictionary<(Guid Id, long Fence), TaskCompletionSource<RunStatus?>?> _held = new();
    private readonly ConcurrentDictionary<Guid, byte> _canceledEarly = new();
    private readonly TaskCompletionSource _firstBeat = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopBeating = new();
    private readonly CancellationTokenSource _giveUp = new();
    private Task _beating = Task.CompletedTask, _watching = Task.CompletedTask, _completing = Task.CompletedTask;
    private HashSet<(Guid Id, long Fence)> _strays = [], _lost = [];
    private long _lastBeat;
    private volatile bool _hasLease;

    /// <summary>Whether this worker is alive by its lease; without it nothing is claimed.</summary>
    public bool HasLease => _hasLease;

    /// <summary>Ends when the worker has its lease for the first time.</summary>
    public Task FirstBeat => _firstBeat.Task;

    /// <summary>What gives back the runs that are claimed and not begun, when the lease is lost.</summary>
    public Func<Task> LeaseLost { get; set; } = () => Task.CompletedTask;

    public void Start()
    {
        _completing = Task.Run(() => completer.RunAsync(Settle, _giveUp.Token), CancellationToken.None);
        _beating = Task.Run(() => RepeatAsync(BeatAsync, _stopBeating.Token), CancellationToken.None);
        _watching = Task.Run(() => RepeatAsync(WatchAsync, _stopBeating.Token), CancellationToken.None);
        LogStarted(options.WorkerName, options.Concurrency);
    }

    /// <summary>Takes a run that was claimed; from now on its cancellation is heard.</summary>
    public void Take(ClaimedRun run) => _held[(run.Id, run.Fence)] = null;

    /// <summary>As <see cref="Take"/>, for who has to know what becomes of it.</summary>
    /// <returns>The state that is recorded in the end; null when the run went on elsewhere.</returns>
    public Task<RunStatus?> TakeAndFollow(ClaimedRun run)
    {
        var settled = new TaskCompletionSource<RunStatus?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _held[(run.Id, run.Fence)] = settled;
        return settled.Task;
    }

    /// <summary>Executes a run that was taken and hands its ending over; a handler that was left behind is waited for.</summary>
    public async Task<RunEnding> ExecuteAsync(ClaimedRun run)
    {
        using var control = new RunControl(clock);
        _running[run.Id] = control;
        if (_canceledEarly.TryRemove(run.Id, out _)) control.Stop(StopReason.Canceled);
        if (!_hasLease) control.Stop(StopReason.LeaseLost);
        var (ending, leftBehind) = await executor.ExecuteAsync(run, control);
        _running.TryRemove(run.Id, out _);
        await completer.AddAsync(ending);
        if (leftBehind is not null) await leftBehind.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ending;
    }

    /// <summary>Gives back runs that were taken and not begun.</summary>
    public async Task HandBackAsync(List<ClaimedRun> runs)
    {
        var now = clock.GetUtcNow();
        foreach (var run in runs)
            await completer.AddAsync(new RunEnding
            {
                Run = run, Status = RunStatus.Queued, StartedAt = now, FinishedAt = now, RunAt = now, CountsAttempt = false,
            });
    }

    /// <summary>Tells the handler of a run, when it runs or is about to run here.</summary>
    public void Cancel(Guid runId)
    {
        if (_running.TryGetValue(runId, out var control)) control.Stop(StopReason.Canceled);
        else if (_held.Keys.Any(run => run.Id == runId)) _canceledEarly.TryAdd(runId, 0);
    }

    /// <summary>
    /// Waits for what is executing, then stops it, records the last endings and gives up the lease. Nothing is claimed
    /// any more when this is called.
    /// </summary>
    public async Task DrainAsync(Task executing, CancellationToken cancellation)
    {
        if (!executing.IsCompleted)
        {
            LogDraining(_running.Count, options.Drain.TotalSeconds);
            await Task.WhenAny(executing, Task.Delay(options.Drain, clock, cancellation));
            StopRunning(StopReason.Draining);
            await Task.WhenAny(executing, Task.Delay(LastWords, clock, CancellationToken.None));
        }
        completer.Complete();
        _giveUp.CancelAfter(LastWords);
        await _completing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var settled in _held.Values) settled?.TrySetCanceled(CancellationToken.None);
        await _stopBeating.CancelAsync();
        await Task.WhenAll(_beating, _watching);
        await pings.DrainAsync(LastWords);
        if (executing.IsCompleted) await EndLeaseAsync();
        else LogAbandoned(_running.Count); // They may still be at work: their runs go on elsewhere when the lease has ended.
        LogStopped(options.WorkerName);
    }

    public void Dispose()
    {
        _stopBeating.Dispose();
        _giveUp.Dispose();
    }

    // A loop goes on whatever happens in it: a worker that is alive by its lease and does nothing is the worst of all.
    public async Task RepeatAsync(Func<CancellationToken, Task> step, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await step(stop);
            }
            catch (Exception e)
            {
                if (stop.IsCancellationRequested) return;
                LogStepFailed(e, step.Method.Name);
                await Task.Delay(ErrorPause, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Settle(RunEnding ending, RunStatus? recorded)
    {
        if (recorded is { } status)
        {
            RunMetrics.Count(ending, status);
            pings.Ended(ending, status);
        }
        if (_held.TryRemove((ending.Run.Id, ending.Run.Fence), out var settled)) settled?.TrySetResult(recorded);
    }

    private async Task BeatAsync(CancellationToken stop)
    {
        var before = Stopwatch.GetTimestamp();
        var heldBefore = _held.Keys.ToHashSet();
        var interval = options.Lease / 3;
        // The connection may hang; what it says after the interval is of no use, so it is not waited for.
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(stop);
        inTime.CancelAfter(interval);
        var beat = await lease.BeatAsync(inTime.Token).WaitAsync(inTime.Token);
        if (beat.WasBuried) await LoseLeaseAsync();
        Volatile.Write(ref _lastBeat, before);
        var isFirst = !_hasLease;
        _hasLease = true;
        if (isFirst) signals.Runs.Set();
        _firstBeat.TrySetResult();

        foreach (var ((id, _), cancelRequested) in beat.Runs)
            if (cancelRequested) Cancel(id);
        await CompareAsync(beat, heldBefore, stop);
        if (beat.MayRescue && await lease.RescueAsync(stop) is > 0 and var rescued)
        {
            LogRescued(rescued);
            signals.Runs.Set();
        }
        await Task.Delay(interval, clock, stop);
    }

    // What the table says is this worker's, against what it holds. A difference may be a claim or an ending on its way,
    // so it counts when two beats in a row show it.
    private async Task CompareAsync(Beat beat, HashSet<(Guid Id, long Fence)> heldBefore, CancellationToken stop)
    {
        var strays = beat.Runs.Keys.Where(run => !_held.ContainsKey(run)).ToHashSet();
        var lost = heldBefore.Where(run => !beat.Runs.ContainsKey(run) && _held.ContainsKey(run)).ToHashSet();
        var returned = strays.Where(_strays.Contains).ToList();
        if (returned.Count > 0)
        {
            LogReturned(returned.Count);
            await lease.ReturnAsync(returned, stop);
        }
        foreach (var run in lost.Where(_lost.Contains))
            if (_running.TryGetValue(run.Id, out var control)) control.Stop(StopReason.LeaseLost);
        (_strays, _lost) = (strays, lost);
    }

    // Beside the beat, as that one may hang: others take over when the lease ends, so it stops a little earlier.
    private async Task WatchAsync(CancellationToken stop)
    {
        if (_hasLease && Stopwatch.GetElapsedTime(Volatile.Read(ref _lastBeat)) > options.Lease * 0.8) await LoseLeaseAsync();
        await Task.Delay(options.Lease / 20, clock, stop);
    }

    private async Task LoseLeaseAsync()
    {
        _hasLease = false;
        LogLeaseLost(_running.Count);
        StopRunning(StopReason.LeaseLost);
        await LeaseLost();
    }

    private void StopRunning(StopReason reason)
    {
        foreach (var control in _running.Values) control.Stop(reason);
    }

    private async Task EndLeaseAsync()
    {
        try
        {
            await lease.EndAsync(_giveUp.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or TimeoutException)
        {
            LogLeaseNotEnded(e);
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "Worker {Worker} runs up to {Concurrency} handlers at once")]
    private partial void LogStarted(string worker, int concurrency);

    [LoggerMessage(2002, LogLevel.Information, "Draining: {Running} handlers run, they have {Seconds} s")]
    private partial void LogDraining(int running, double seconds);

    [LoggerMessage(2003, LogLevel.Warning, "{Running} handlers did not stop; their runs go on elsewhere")]
    private partial void LogAbandoned(int running);

    [LoggerMessage(2004, LogLevel.Information, "Worker {Worker} has stopped")]
    private partial void LogStopped(string worker);

    [LoggerMessage(2005, LogLevel.Warning, "The worker could not be taken off the list; its lease ends by itself")]
    private partial void LogLeaseNotEnded(Exception exception);

    [LoggerMessage(2006, LogLevel.Warning, "{Step} failed; next try in a second")]
    private partial void LogStepFailed(Exception exception, string step);

    [LoggerMessage(2007, LogLevel.Warning, "{Runs} runs were claimed but the answer was lost; they go back to the queue")]
    private partial void LogReturned(int runs);

    [LoggerMessage(2008, LogLevel.Error, "The worker's lease could not be renewed in time: {Running} handlers are stopped, as their runs may go on elsewhere")]
    private partial void LogLeaseLost(int running);

    [LoggerMessage(2009, LogLevel.Warning, "{Rescued} runs of workers that died go on")]
    private partial void LogRescued(int rescued);
}
