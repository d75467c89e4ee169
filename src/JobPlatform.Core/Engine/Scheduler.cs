using JobPlatform.Core.Database;
using JobPlatform.Core.Schedules;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Engine;

/// <summary>
/// The clock of the schedules, or, beside an engine that has one of its own, what handles a due time that this one has
/// missed for <see cref="EngineOptions.Patience"/>. It also keeps the schedules what the jobs' rows ask for. No leader.
/// </summary>
internal sealed partial class Scheduler(
    PlatformDatabase database, ScheduleSync sync, DueRuns due, EngineOptions options, EngineSignals signals, TimeProvider clock, ILogger<Scheduler> log)
    : BackgroundService
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ErrorPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        RepeatAsync(FireAsync, signals.Schedules, stoppingToken),
        RepeatAsync(ReconcileAsync, signals.Jobs, stoppingToken));

    private async Task RepeatAsync(Func<CancellationToken, Task<TimeSpan>> step, Signal wakeUp, CancellationToken stop)
    {
        await Task.Yield();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await wakeUp.WaitAsync(await step(stop), clock, stop);
            }
            catch (Exception e)
            {
                // Whatever it is: a scheduler that has silently ended is the worst of all.
                if (stop.IsCancellationRequested) return;
                LogFailed(e);
                await Task.Delay(ErrorPause, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<TimeSpan> ReconcileAsync(CancellationToken stop)
    {
        await sync.ReconcileAsync(stop);
        due.ForgetUnreadable();
        await database.FreeStrayRunsAsync(stop);
        // Without notifications the comparison is how a row that was edited by hand is found.
        return signals.IsListening ? options.ReconcileInterval : options.PollInterval;
    }

    /// <summary>Handles what is due, and says how long nothing more will be.</summary>
    private async Task<TimeSpan> FireAsync(CancellationToken cancellation)
    {
        int handled;
        do
        {
            handled = await due.FireAsync(clock.GetUtcNow() - options.Patience, cancellation);
            if (handled > 0) signals.Runs.Set();
        }
        while (handled == DueRuns.Batch);
        if (await due.FindNextAsync(cancellation) is not { } next) return options.ReconcileInterval;
        var pause = next + options.Patience - clock.GetUtcNow();
        return pause < ShortestPause ? ShortestPause : pause < options.ReconcileInterval ? pause : options.ReconcileInterval;
    }

    [LoggerMessage(2201, LogLevel.Warning, "Schedules could not be handled; next try in a second")]
    private partial void LogFailed(Exception exception);
}
