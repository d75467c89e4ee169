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

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await errors.Pending.WaitToReadAsync(stoppingToken))
                for (var batch = Take(); batch.Count > 0; batch = Take())
                    while (!await TryWriteAsync(batch, stoppingToken))
                        await Task.Delay(Pause, clock, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            using var enough = new CancellationTokenSource(LongestGoodbye, clock);
            for (var batch = Take(); batch.Count > 0 && await TryWriteAsync(batch, enough.Token); batch = Take()) { }
        }
    }

    private List<ErrorLogEntry> Take()
    {
        var batch = new List<ErrorLogEntry>();
        while (batch.Count < MostInBatch && errors.Pending.TryRead(out var entry)) batch.Add(entry);
        if (errors.TakeDropped() is > 0 and var dropped)
            batch.Add(new(clock.GetUtcNow().UtcDateTime, "warning", typeof(ErrorLogWriter).FullName!, 1201, null,
                $"{dropped} warnings or errors are missing here: they came faster than the database takes them. The server's own log has them.", null, null));
        return batch;
    }

    /// <returns>False when it is to be tried again.</returns>
    private async Task<bool> TryWriteAsync(List<ErrorLogEntry> batch, CancellationToken cancellation)
    {
        try
        {
            await WriteAsync(batch, cancellation);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is ['2', '2' or '3', ..])
        {
            // A value is refused, and will be next time.
            LogRefused(e, batch.Count);
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            LogNotWritten(e, batch.Count);
            return false;
        }
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

    [LoggerMessage(1202, LogLevel.Warning, "{Count} warnings and errors could not be written to error_logs yet; they are kept for the next try")]
    private partial void LogNotWritten(Exception exception, int count);

    [LoggerMessage(1203, LogLevel.Error, "{Count} warnings and errors were not written to error_logs: the database refuses them")]
    private partial void LogRefused(Exception exception, int count);
}
