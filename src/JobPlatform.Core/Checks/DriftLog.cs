using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Checks;

/// <summary>Writes to the log, once after the start, what has drifted while the platform was away.</summary>
internal sealed partial class DriftLog(DriftCheck check, TimeProvider clock, ILogger<DriftLog> log) : BackgroundService
{
    private const int MostLines = 100;
    // By then the schedules have been set that can be.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stoppingToken.IsCancellationRequested) return;
        try
        {
            var found = 0;
            await foreach (var finding in check.FindAsync(hasApp: true, stoppingToken))
                if (++found <= MostLines) LogDrift(finding.Area, finding.Message);
            if (found > MostLines) LogMore(found - MostLines);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            LogNotChecked(e);
        }
    }

    [LoggerMessage(4241, LogLevel.Warning, "Drift of {Area}: {Message}")]
    private partial void LogDrift(string area, string message);

    [LoggerMessage(4242, LogLevel.Warning, "Drift: {More} more. 'jobplatform check' shows all")]
    private partial void LogMore(int more);

    [LoggerMessage(4243, LogLevel.Warning, "The database did not answer the look for drift")]
    private partial void LogNotChecked(Exception exception);
}
