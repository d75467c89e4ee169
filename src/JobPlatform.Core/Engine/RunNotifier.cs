using JobPlatform.Core.Database;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Engine;

/// <summary>Tells the other processes what changed. A hint: what it tells is committed, and found by polling as well.</summary>
internal sealed partial class RunNotifier(PlatformDatabase database, EngineSignals signals, TimeProvider clock, ILogger<RunNotifier> log)
    : BackgroundService
{
    // Far above a second, which is usual; a database that restarts takes less.
    private static readonly TimeSpan LongestLag = TimeSpan.FromSeconds(60);

    private readonly Signal _notify = new();

    // NOTIFY inside the transaction that commits a run would make all commits of the database wait for each other
    // (PostgreSQL holds one lock from there until the commit is on disk). So it is sent afterwards, by one sender, that
    // makes one of all that came in meanwhile. A process that ends right away, such as a command, sends it itself.
    public Task NotifyOfRunsAsync(CancellationToken cancellation)
    {
        if (ExecuteTask is null) return NotifyAsync("runs", cancellation);
        signals.Runs.Set();
        _notify.Set();
        return Task.CompletedTask;
    }

    /// <summary>Asks the process that runs it to cancel a run.</summary>
    public Task NotifyOfCancelAsync(Guid runId, CancellationToken cancellation) => NotifyAsync($"cancel {runId:D}", cancellation);

    /// <summary>Says that a schedule changed.</summary>
    public Task NotifyOfSchedulesAsync(CancellationToken cancellation)
    {
        signals.Schedules.Set();
        return NotifyAsync("schedules", cancellation);
    }

    /// <summary>Whether a worker is alive and due times become runs; otherwise the sentence that says it.</summary>
    public async Task<string?> FindFaultAsync(CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            SELECT EXISTS (SELECT FROM jobplatform.workers WHERE lease_until > clock_timestamp()),
                   (SELECT min(next_due_at) FROM jobplatform.schedules WHERE state = 'active')
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        if (!reader.GetBoolean(0)) return "No worker is alive: nothing runs. Start one with 'jobplatform serve --role worker' (or all).";
        if (reader.IsDBNull(1)) return null;
        var lag = clock.GetUtcNow() - new DateTimeOffset(reader.GetDateTime(1), TimeSpan.Zero);
        return lag <= LongestLag ? null
            : $"A due time of {(long)lag.TotalSeconds} s ago has not become a run: the schedulers of the workers do not keep up. Their logs say why.";
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await _notify.WaitAsync(Timeout.InfiniteTimeSpan, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stoppingToken.IsCancellationRequested) await NotifyAsync("runs", CancellationToken.None);
        }
    }

    private async Task NotifyAsync(string payload, CancellationToken cancellation)
    {
        try
        {
            await using var command = database.Source.CreateCommand("SELECT pg_notify('jobplatform', $1)");
            command.Parameters.Add(new() { Value = payload });
            await command.ExecuteNonQueryAsync(cancellation);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            LogNotNotified(e);
        }
    }

    [LoggerMessage(2401, LogLevel.Warning, "Workers could not be told of a change; they find it by polling")]
    private partial void LogNotNotified(Exception exception);
}
