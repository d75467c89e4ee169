using System.Collections.Concurrent;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Core.Runs;

/// <summary>
/// Log lines and progress of running runs, on their way to the database: kept in memory and written together twice a
/// second, and before a run that has spoken ends. Bounded; thread-safe.
/// </summary>
public sealed partial class RunJournal(PlatformDatabase database, SecretRedactor redactor, TimeProvider clock, ILogger<RunJournal> log)
    : BackgroundService
{
    private const int LongestLine = 8 * 1024;
    private const int MostPendingLines = 50_000;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<Guid, (ClaimedRun Run, string Progress)> _progress = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Lock _gate = new();
    private List<Line> _pending = [];
    private long _dropped;

    /// <summary>Takes one line; secrets in it are masked.</summary>
    public void Write(ClaimedRun run, DateTimeOffset at, LogLevel level, string message)
    {
        message = redactor.Redact(message).Replace('\0', '\uFFFD');
        if (message.Length > LongestLine) message = message[..LongestLine] + "…";
        lock (_gate)
        {
            if (_pending.Count >= MostPendingLines) _dropped++;
            else _pending.Add(new(run.Id, (short)run.Attempt, at.UtcDateTime, Word(level), message));
        }
    }

    /// <summary>Takes the latest progress; an earlier one that is not yet written is replaced.</summary>
    public void Report(ClaimedRun run, string progress) =>
        _progress[run.Id] = (run, redactor.Redact(progress).Replace("\\u0000", "\\ufffd", StringComparison.Ordinal));

    /// <summary>Writes what is pending. A failure is logged and the lines stay for the next time.</summary>
    public async Task FlushAsync(CancellationToken cancellation = default)
    {
        await _writing.WaitAsync(cancellation);
        List<Line> lines;
        lock (_gate)
        {
            lines = _pending;
            _pending = [];
        }
        try
        {
            if (lines.Count > 0) await WriteLinesAsync(lines, cancellation);
            lines = [];
            await WriteProgressAsync(cancellation);
            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped) LogDropped(dropped);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            LogNotWritten(e, lines.Count);
            lock (_gate)
            {
                lines.AddRange(_pending);
                _pending = lines;
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(
                   static tick => tick.Status == TaskStatus.RanToCompletion && tick.Result, TaskScheduler.Default))
            if (_pending.Count > 0 || !_progress.IsEmpty)
                await FlushAsync(CancellationToken.None);
    }

    private async Task WriteLinesAsync(List<Line> lines, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            INSERT INTO jobplatform.job_run_logs (run_id, attempt, at, level, message)
            SELECT l.run_id, l.attempt, l.at, l.level, l.message
              FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::text[], $5::text[]) WITH ORDINALITY
                   AS l(run_id, attempt, at, level, message, n)
              JOIN jobplatform.job_runs r ON r.id = l.run_id
             ORDER BY l.n
            """);
        command.Parameters.Add(new() { Value = lines.ConvertAll(line => line.RunId) });
        command.Parameters.Add(new() { Value = lines.ConvertAll(line => line.Attempt) });
        command.Parameters.Add(new() { Value = lines.ConvertAll(line => line.At), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = lines.ConvertAll(line => line.Level) });
        command.Parameters.Add(new() { Value = lines.ConvertAll(line => line.Message) });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task WriteProgressAsync(CancellationToken cancellation)
    {
        var reports = _progress.ToArray();
        if (reports.Length == 0) return;
        await using var command = database.Source.CreateCommand(
            """
            UPDATE jobplatform.job_runs r SET progress = p.progress::jsonb
              FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS p(id, fence, progress)
             WHERE r.id = p.id AND r.fence = p.fence AND r.status = 'running'
            """);
        command.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.Key) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.Value.Run.Fence) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.Value.Progress) });
        await command.ExecuteNonQueryAsync(cancellation);
        foreach (var report in reports) _progress.TryRemove(report);
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Warning => "warning",
        LogLevel.Error or LogLevel.Critical => "error",
        _ => "information",
    };

    [LoggerMessage(1101, LogLevel.Warning, "{Lines} log lines of runs could not be written yet; they are kept for the next try")]
    private partial void LogNotWritten(Exception exception, int lines);

    [LoggerMessage(1102, LogLevel.Warning, "{Lines} log lines of runs were dropped: they came faster than the database takes them")]
    private partial void LogDropped(long lines);

    private readonly record struct Line(Guid RunId, short Attempt, DateTime At, string Level, string Message);
}
