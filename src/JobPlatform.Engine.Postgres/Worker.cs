using System.Collections.Concurrent;
using System.Diagnostics;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Engine.Postgres;

/// <summary>
/// Runs jobs in this process: claims due runs, executes as many at once as it may, records how they ended, keeps its
/// lease, takes over from dead workers, and drains at shut-down.
/// </summary>
internal sealed partial class Worker(
    RunClaimer claimer, RunCompleter completer, RunExecutor executor, WorkerLease lease,
    EngineOptions options, EngineSignals signals, TimeProvider clock, ILogger<Worker> log) : IHostedService, IDisposable
{
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);
    // How long handlers that were told to stop at shut-down, and then the records of their ending, may take.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(5);

    private readonly LocalQueue _queue = new(options.Concurrency, clock);
    private readonly ConcurrentDictionary<Guid, RunControl> _running = new();
    private readonly CancellationTokenSource _stopClaiming = new();
    private readonly CancellationTokenSource _stopBeating = new();
    private readonly CancellationTokenSource _giveUp = new();
    private Task _claiming = Task.CompletedTask, _beating = Task.CompletedTask, _executing = Task.CompletedTask, _completing = Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // The first beat registers the worker; nothing is claimed before that, as a run of an unknown worker is rescued.
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _completing = Task.Run(() => completer.RunAsync(_giveUp.Token), CancellationToken.None);
        _executing = Task.WhenAll(Enumerable.Range(0, options.Concurrency).Select(_ => Task.Run(ExecuteAsync, CancellationToken.None)));
        _beating = Task.Run(() => BeatAsync(registered), CancellationToken.None);
        _claiming = Task.Run(() => ClaimAsync(registered.Task), CancellationToken.None);
        LogStarted(options.WorkerName, options.Concurrency);
        return Task.CompletedTask;
    }

    /// <summary>Drains: no more claims, a time for running handlers, then they are stopped and their runs handed back.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopClaiming.CancelAsync();
        await _claiming;
        await HandBackAsync(_queue.Close());
        if (!_executing.IsCompleted)
        {
            LogDraining(_running.Count, options.Drain.TotalSeconds);
            await Task.WhenAny(_executing, Task.Delay(options.Drain, clock, cancellationToken));
            foreach (var control in _running.Values) control.Stop(StopReason.Draining);
            await Task.WhenAny(_executing, Task.Delay(LastWords, clock, CancellationToken.None));
        }
        if (!_executing.IsCompleted) LogAbandoned(_running.Count);
        completer.Complete();
        _giveUp.CancelAfter(LastWords);
        await _completing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _stopBeating.CancelAsync();
        await _beating;
        try
        {
            await lease.EndAsync(_giveUp.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or TimeoutException)
        {
            LogLeaseNotEnded(e);
        }
        LogStopped(options.WorkerName);
    }

    private async Task ClaimAsync(Task registered)
    {
        var stop = _stopClaiming.Token;
        try
        {
            await registered.WaitAsync(stop);
            while (true)
            {
                var pause = TimeSpan.Zero;
                try
                {
                    pause = await ClaimOnceAsync(stop);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
                {
                    LogClaimFailed(e);
                    pause = ErrorPause;
                }
                if (pause > TimeSpan.Zero) await signals.Runs.WaitAsync(pause, clock, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task<TimeSpan> ClaimOnceAsync(CancellationToken stop)
    {
        var room = _queue.Room();
        if (room == 0) return options.PollInterval;
        // Not cancelled half-way: a claim that was committed but not read would wait for the lease to end.
        var claimed = await claimer.ClaimAsync(room, clock.GetUtcNow(), CancellationToken.None);
        foreach (var run in claimed) _queue.Add(run);
        if (claimed.Count == room) return TimeSpan.Zero;
        var now = clock.GetUtcNow();
        var next = await claimer.FindNextRunAtAsync(now, stop);
        var pause = next is { } at && at - now < options.PollInterval ? at - now : options.PollInterval;
        return pause > TimeSpan.FromMilliseconds(1) ? pause : TimeSpan.FromMilliseconds(1);
    }

    private async Task ExecuteAsync()
    {
        while (await _queue.TakeAsync() is { } run)
        {
            var started = clock.GetTimestamp();
            using var control = new RunControl(clock);
            _running[run.Id] = control;
            var (ending, leftBehind) = await executor.ExecuteAsync(run, control);
            _running.TryRemove(run.Id, out _);
            await completer.AddAsync(ending);
            if (leftBehind is not null) await leftBehind.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_queue.Release(started)) signals.Runs.Set();
        }
    }

    private async Task HandBackAsync(List<ClaimedRun> runs)
    {
        var now = clock.GetUtcNow();
        foreach (var run in runs)
            await completer.AddAsync(new RunEnding
            {
                Run = run, Status = RunStatus.Queued, StartedAt = now, FinishedAt = now, RunAt = now, CountsAttempt = false,
            });
    }

    private async Task BeatAsync(TaskCompletionSource registered)
    {
        var interval = options.Lease / 3;
        var lastBeat = Stopwatch.GetTimestamp();
        try
        {
            while (true)
            {
                try
                {
                    var before = Stopwatch.GetTimestamp();
                    using var inTime = CancellationTokenSource.CreateLinkedTokenSource(_stopBeating.Token);
                    inTime.CancelAfter(interval);
                    var (cancelRequested, mayRescue) = await lease.BeatAsync(inTime.Token);
                    lastBeat = before;
                    registered.TrySetResult();
                    foreach (var id in cancelRequested) Cancel(id);
                    if (mayRescue && await lease.RescueAsync(_stopBeating.Token) is > 0 and var rescued)
                    {
                        LogRescued(rescued);
                        signals.Runs.Set();
                    }
                }
                catch (Exception e) when (!_stopBeating.IsCancellationRequested &&
                                          e is NpgsqlException or TimeoutException or IOException or OperationCanceledException)
                {
                    LogBeatFailed(e);
                }
                // Others take over when the lease ends. Stop a little earlier: a run must not run twice at a time.
                if (Stopwatch.GetElapsedTime(lastBeat) > options.Lease * 0.8)
                {
                    LogLeaseLost(_running.Count);
                    foreach (var control in _running.Values) control.Stop(StopReason.LeaseLost);
                }
                await Task.Delay(Stopwatch.GetElapsedTime(lastBeat) > interval ? interval / 4 : interval, clock, _stopBeating.Token);
            }
        }
        catch (OperationCanceledException) when (_stopBeating.IsCancellationRequested)
        {
            return;
        }
    }

    public void Dispose()
    {
        _stopClaiming.Dispose();
        _stopBeating.Dispose();
        _giveUp.Dispose();
    }

    /// <summary>Tells the handler of a run, when it runs here.</summary>
    public void Cancel(Guid runId)
    {
        if (_running.TryGetValue(runId, out var control)) control.Stop(StopReason.Canceled);
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

    [LoggerMessage(2006, LogLevel.Warning, "Runs could not be claimed; next try in a second")]
    private partial void LogClaimFailed(Exception exception);

    [LoggerMessage(2007, LogLevel.Warning, "The worker's sign of life could not be given")]
    private partial void LogBeatFailed(Exception exception);

    [LoggerMessage(2008, LogLevel.Error, "The worker's lease could not be renewed in time: {Running} handlers are stopped, as their runs may go on elsewhere")]
    private partial void LogLeaseLost(int running);

    [LoggerMessage(2009, LogLevel.Warning, "{Rescued} runs of workers that died go on")]
    private partial void LogRescued(int rescued);
}
