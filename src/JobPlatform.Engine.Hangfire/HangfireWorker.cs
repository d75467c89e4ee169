using Hangfire;
using Hangfire.Server;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Schedules;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Engine.Hangfire;

/// <summary>Hangfire's server in this process: its workers on our lanes, and its two schedulers. Drains at shut-down.</summary>
internal sealed partial class HangfireWorker(
    HangfireParts hangfire, Lanes lanes, RunningRuns running, EngineOptions options, TimeProvider clock, IServiceProvider services,
    IHostApplicationLifetime lifetime, ILoggerFactory loggers, ILogger<HangfireWorker> log) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task<BackgroundProcessingServer?>? _starting;

    // Not before the whole process has started: one that cannot listen would fetch jobs and die with them.
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStarted.Register(() =>
        {
            global::Hangfire.Logging.LogProvider.SetCurrentLogProvider(new HangfireLog(loggers));
            running.Start();
            _starting = Task.Run(OpenAsync, CancellationToken.None);
        });
        return Task.CompletedTask;
    }

    /// <summary>Drains: no more fetches, a time for running handlers, then they are stopped and their runs handed back.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        var server = _starting is null ? null : await _starting;
        server?.SendStop();
        await running.DrainAsync(server?.WaitForShutdownAsync(CancellationToken.None) ?? Task.CompletedTask, cancellationToken);
        server?.Dispose();
    }

    public void Dispose() => _stop.Dispose();

    // When the worker has its lease: before, it could claim nothing that Hangfire gives it.
    private async Task<BackgroundProcessingServer?> OpenAsync()
    {
        while (true)
        {
            try
            {
                await running.FirstBeat.WaitAsync(_stop.Token);
                await lanes.RefreshAsync(_stop.Token);
                return Open();
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception e)
            {
                LogNotOpened(e);
                await Task.Delay(TimeSpan.FromSeconds(1), clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private BackgroundProcessingServer Open()
    {
        var worker = new LaneWorker(lanes, hangfire.CreatePerformer(new ServiceActivator(services)), hangfire.StateChanger);
        // What counts as too late to be run is twice its pause: the same 10 s as for the embedded engine.
        var recurring = new RecurringJobScheduler(hangfire.DueJobFactory, MisfireLimits.Default.Grace / 2, new ZoneResolver(), () => clock.GetUtcNow().UtcDateTime);
        var delayed = new DelayedJobScheduler(DelayedJobScheduler.DefaultPollingDelay, hangfire.StateChanger);
        var drain = options.Drain + RunningRuns.LastWords + RunningRuns.LastWords;
        return new BackgroundProcessingServer(
            hangfire.Storage,
            [worker.UseBackgroundPool(options.Concurrency), new EverySecond(recurring, clock).UseBackgroundPool(1), new EverySecond(delayed, clock).UseBackgroundPool(1)],
            new Dictionary<string, object> { ["Queues"] = lanes.Current.Names, ["WorkerCount"] = options.Concurrency },
            new BackgroundProcessingServerOptions
            {
                ServerName = $"{options.Role}@{options.WorkerName}",
                HeartbeatInterval = TimeSpan.FromSeconds(10),
                // The platform counts the drain itself.
                StopTimeout = drain,
                ShutdownTimeout = drain,
            });
    }

    [LoggerMessage(2601, LogLevel.Warning, "Hangfire's server could not be started; next try in a second")]
    private partial void LogNotOpened(Exception exception);

    private sealed class ServiceActivator(IServiceProvider services) : JobActivator
    {
        public override object ActivateJob(Type jobType) => services.GetRequiredService(jobType);
    }
}
