using JobPlatform.Core.Database;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Engine;

/// <summary>
/// The one LISTEN connection of the process. What it hears is a hint that saves a wait; the polls find all that it
/// misses while it reconnects.
/// </summary>
internal sealed partial class Listener(
    PlatformDatabase database, EngineOptions options, EngineSignals signals, TimeProvider clock, RunningRuns running, ILogger<Listener> log)
    : BackgroundService
{
    private static readonly TimeSpan ReconnectPause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (options.Listen && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (Exception e)
            {
                if (stoppingToken.IsCancellationRequested) return;
                LogLost(e);
            }
            finally
            {
                signals.IsListening = false;
            }
            await Task.Delay(ReconnectPause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(CancellationToken stop)
    {
        await using var connection = await database.OpenAsideAsync(stop);
        connection.Notification += (_, message) => Hear(message.Payload);
        await using (var listen = new NpgsqlCommand("LISTEN jobplatform", connection))
            await listen.ExecuteNonQueryAsync(stop);
        signals.IsListening = true;
        // What happened before this moment was not heard.
        signals.Jobs.Set();
        signals.Schedules.Set();
        signals.Runs.Set();
        while (true) await connection.WaitAsync(stop);
    }

    private void Hear(string payload)
    {
        switch (payload)
        {
            case "runs": signals.Runs.Set(); break;
            case "jobs": signals.Jobs.Set(); break;
            case "schedules": signals.Schedules.Set(); break;
            default:
                if (payload.StartsWith("cancel ", StringComparison.Ordinal) && Guid.TryParse(payload.AsSpan(7), out var runId))
                    running.Cancel(runId);
                break;
        }
    }

    [LoggerMessage(2301, LogLevel.Warning, "The connection that listens was lost; until it is back, runs are found by polling")]
    private partial void LogLost(Exception exception);
}
