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
    private const int MostPendingCharacters = 8 * 1024 * 1024;
    // What a line costs beside its text, so that empty ones are bounded too.
    private const int LineOverhead = 128;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<Guid, (ClaimedRun Run, string Progress)> _progress = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Lock _gate = new();
    private List<Line> _pending = [];
    private long _pendingCharacters;
    private long _dropped;

    /// <summary>Takes one line; secrets in it are masked.</summary>
    public void Write(ClaimedRun run, DateTimeOffset at, LogLevel level, string message)
    {
        var line = new Line(run.Id, (short)run.Attempt, at.UtcDateTime, Word(level), StorableText.Clean(redactor.Redact(message), LongestLine));
        lock (_gate)
        {
            if (_pendingCharacters + line.Cost > MostPendingCharacters)
            {
                _dropped++;
                return;
            }
            _pending.Add(line);
            _pendingCharacters += line.Cost;
        }
    }

    /// <summary>Takes the latest progress, a JSON object; an earlier one that is not yet written is replaced.</summary>
    public void Report(ClaimedRun run, string progress) => _progress[run.Id] = (run, redactor.RedactJson(progress));

    /// <summary>
    /// Writes what is pending. Never throws: what the database cannot take now stays for the next time, what it will
    /// never take is dropped, and both are logged.
    /// </summary>
    public async Task FlushAsync()
    {
        await _writing.WaitAsync();
        try
        {
            var lines = TakeLines();
            if (lines.Count > 0 && !await TryWriteAsync(WriteLinesAsync(lines), lines.Count)) PutBack(lines);
            var reports = _progress.ToArray();
            if (reports.Length > 0 && await TryWriteAsync(WriteProgressAsync(reports), reports.Length))
                foreach (var report in reports) _progress.TryRemove(report);
            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped) LogDropped(dropped);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_pending.Count > 0 || !_progress.IsEmpty) await FlushAsync();
        }
    }

    private List<Line> TakeLines()
    {
        lock (_gate)
        {
            var lines = _pending;
            (_pending, _pendingCharacters) = ([], 0);
            return lines;
        }
    }

    private void PutBack(List<Line> lines)
    {
        lock (_gate)
        {
            lines.AddRange(_pending);
            (_pending, _pendingCharacters) = (lines, lines.Sum(line => (long)line.Cost));
        }
    }

    /// <returns>False when it is to be tried again.</returns>
    private async Task<bool> TryWriteAsync(Task writing, int count)
    {
        try
        {
            await writing;
            return true;
        }
        // Classes 22 and 23: a value is refused, and will be next time.
        catch (Exception e) when (e is TimeoutException or IOException or NpgsqlException and not PostgresException { SqlState: ['2', '2' or '3', ..] })
        {
            LogNotWritten(e, count);
            return false;
        }
        catch (Exception e)
        {
            LogRefused(e, count);
            return true;
        }
    }

    private async Task WriteLinesAsync(List<Line> lines)
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
        await command.ExecuteNonQueryAsync();
    }

    private async Task WriteProgressAsync(KeyValuePair<Guid, (ClaimedRun Run, string Progress)>[] reports)
    {
        await using var command = database.Source.CreateCommand(
            """
            UPDATE jobplatform.job_runs r SET progress = p.progress::jsonb
              FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS p(id, fence, progress)
             WHERE r.id = p.id AND r.fence = p.fence AND r.status = 'running'
            """);
        command.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.Key) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.Value.Run.Fence) });
        command.Parameters.Add(new() { Value = Array.ConvertAll(reports, report => report.Value.Progress) });
        await command.ExecuteNonQueryAsync();
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Warning => "warning",
        LogLevel.Error or LogLevel.Critical => "error",
        _ => "information",
    };

    [LoggerMessage(1101, LogLevel.Warning, "{Count} log lines or reports of progress could not be written yet; they are kept for the next try")]
    private partial void LogNotWritten(Exception exception, int count);

    [LoggerMessage(1102, LogLevel.Warning, "{Lines} log lines of runs were dropped: they came faster than the database takes them")]
    private partial void LogDropped(long lines);

    [LoggerMessage(1103, LogLevel.Error, "{Count} log lines or reports of progress were dropped: they cannot be written")]
    private partial void LogRefused(Exception exception, int count);

    private readonly record struct Line(Guid RunId, short Attempt, DateTime At, string Level, string Message)
    {
        public int Cost => Message.Length + LineOverhead;
    }
}
