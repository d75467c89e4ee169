using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Hosting;

namespace JobPlatform.Engine.Postgres;

/// <summary>Claims due runs and executes as many at once as it may; at shut-down it stops claiming and drains.</summary>
internal sealed class Worker(
    RunClaimer claimer, RunningRuns running, EngineOptions options, EngineSignals signals, TimeProvider clock, IHostApplicationLifetime lifetime)
    : IHostedService, IDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(1);

    private readonly LocalQueue _queue = new(options.Concurrency, clock);
    private readonly CancellationTokenSource _stopClaiming = new();
    private Task _claiming = Task.CompletedTask, _executing = Task.CompletedTask;

    // Not before the whole process has started: one that cannot listen would claim runs and die with them.
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStarted.Register(Start);
        return Task.CompletedTask;
    }

    private void Start()
    {
        running.LeaseLost = () => running.HandBackAsync(_queue.TakeAll());
        running.Start();
        _executing = Task.WhenAll(Enumerable.Range(0, options.Concurrency).Select(_ => Task.Run(ExecuteAsync, CancellationToken.None)));
        _claiming = Task.Run(() => running.RepeatAsync(ClaimAsync, _stopClaiming.Token), CancellationToken.None);
    }

    /// <summary>Drains: no more claims, a time for running handlers, then they are stopped and their runs handed back.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopClaiming.CancelAsync();
        await _claiming;
        _queue.Close();
        await running.HandBackAsync(_queue.TakeAll());
        await running.DrainAsync(_executing, cancellationToken);
    }

    public void Dispose() => _stopClaiming.Dispose();

    private async Task ClaimAsync(CancellationToken stop)
    {
        await running.HandBackAsync(_queue.TakeStale(clock.GetUtcNow()));
        var room = running.HasLease ? _queue.Room() : 0;
        if (room == 0)
        {
            await signals.Runs.WaitAsync(options.PollInterval, clock, stop);
            return;
        }
        // Not cancelled half-way: a claim that was committed but not read waits until a later beat finds it.
        var (runs, mayBeMore) = await claimer.ClaimAsync(room, clock.GetUtcNow(), CancellationToken.None);
        foreach (var run in runs)
        {
            running.Take(run);
            _queue.Add(run);
        }
        if (mayBeMore) return;
        var now = clock.GetUtcNow();
        var next = await claimer.FindNextRunAtAsync(now, stop);
        // While notifications arrive the poll only finds what they miss.
        var poll = signals.IsListening ? options.PollInterval * 3 : options.PollInterval;
        var pause = next is { } at && at - now < poll ? at - now : poll;
        await signals.Runs.WaitAsync(pause > ShortestPause ? pause : ShortestPause, clock, stop);
    }

    private async Task ExecuteAsync()
    {
        while (await _queue.TakeAsync() is { } run)
        {
            var started = clock.GetTimestamp();
            await running.ExecuteAsync(run);
            if (_queue.Release(started)) signals.Runs.Set();
        }
    }
}
