using Microsoft.Extensions.Hosting;

namespace JobPlatform.Core.Telemetry;

/// <summary>Keeps <see cref="LoadReader.Last"/> fresh for exporters that push, which ask nobody before.</summary>
public sealed class LoadRefresh(LoadReader reader, TimeProvider clock) : BackgroundService
{
    // Half of the interval of the exporters.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            await reader.GetAsync(stoppingToken);
            await Task.Delay(Interval, clock, stoppingToken);
        }
    }
}
