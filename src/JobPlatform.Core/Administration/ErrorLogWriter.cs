using JobPlatform.Core.Database;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Core.Administration;

/// <summary>Writes what <see cref="ErrorLog"/> has taken, in batches, also what is left at the end of the process.</summary>
public sealed partial class ErrorLogWriter(ErrorLog errors, PlatformDatabase database, TimeProvider clock, ILogger<ErrorLogWriter> log)
    : BackgroundService
{
    private const int MostInBatch = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(3);
    private static readonly string Worker = $"{Environment.MachineName}:{Environment.ProcessId}";

    // What was taken and is not yet written; kept when the database does not take it.
    private List<ErrorLogEntry> _batch = [];

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await errors.Pending.WaitToReadAsync(stoppingToken))
            while (!await TryWriteAsync(stoppingToken))
                await Task.Delay(Pause, clock, stoppingToken);
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var enough = new CancellationTokenSource(LongestGoodbye, clock);
        try
        {
            await TryWriteAsync(enough.Token);
        }
        catch (OperationCanceledException e)
        {
            LogNotWritten(e, _batch.Count);
        }
    }

    /// <returns>False when it is to be tried again.</returns>
    private async Task<bool> TryWriteAsync(CancellationToken cancellation)
    {
        for (Fill(); _batch.Count > 0; Fill())
        {
            try
            {
                await WriteAsync(_batch, cancellation);
            }
            catch (PostgresException e) when (e.SqlState is ['2', '2' or '3', ..])
            {
                // A value is refused, and will be next time.
                LogRefused(e, _batch.Count);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                LogNotWritten(e, _batch.Count);
                return false;
            }
            _batch = [];
        }
        return true;
    }

    private void Fill()
    {
        while (_batch.Count < MostInBatch && errors.Pending.TryRead(out var entry)) _batch.Add(entry);
        if (errors.TakeDropped() is > 0 and var dropped)
            _batch.Add(new(clock.GetUtcNow().UtcDateTime, "warning", typeof(ErrorLogWriter).FullName!, 1201, null,
                $"{dropped} warnings or errors are missing here: they came faster than the database takes them. The server's own log has them.", null, null));
    }

    private async Task WriteAsync(List<ErrorLogEntry> batch, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            INSERT INTO jobplatform.error_logs (created_at, level, category, event_id, event_name, message, exception, run_id, worker)
            SELECT e.*, $9 FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::uuid[]) AS e
            """);
        command.Parameters.Add(new() { Value = batch.ConvertAll(entry => entry.At), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = batch.ConvertAll(entry => entry.Level) });
        command.Parameters.Add(new() { Value = batch.ConvertAll(entry => entry.Category) });
        command.Parameters.Add(new() { Value = batch.ConvertAll(entry => entry.EventId) });
        command.Parameters.Add(new() { Value = batch.ConvertAll(entry => entry.EventName), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = batch.ConvertAll(entry => entry.Message) });
        command.Parameters.Add(new() { Value = batch.ConvertAll(entry => entry.Exception), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = batch.ConvertAll(entry => entry.RunId) });
        command.Parameters.Add(new() { Value = Worker });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    [LoggerMessage(1202, LogLevel.Warning, "{Count} warnings and errors could not be written to error_logs now")]
    private partial void LogNotWritten(Exception exception, int count);

    [LoggerMessage(1203, LogLevel.Error, "{Count} warnings and errors were not written to error_logs: the database refuses them")]
    private partial void LogRefused(Exception exception, int count);
}
