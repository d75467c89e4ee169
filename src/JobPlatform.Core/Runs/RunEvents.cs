using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Dapper;
using JobPlatform.Core.Database;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Runs;

/// <summary>What happened to a run. Immutable.</summary>
/// <param name="Run">How it stands now; null for a line.</param>
/// <param name="Line">A line of its log; null for a change of the run.</param>
public sealed record RunEvent(RunDetails? Run, RunLogLine? Line);

/// <summary>
/// Follows runs for those who watch them: two queries every half second for all of them together, and none while nobody
/// watches. Thread-safe.
/// </summary>
public sealed partial class RunEvents(PlatformDatabase database, RunStore runs, TimeProvider clock, ILogger<RunEvents> log) : BackgroundService
{
    /// <summary>How many watch at once in this process.</summary>
    public const int MostWatchers = 100;

    // Of one that reads slower than this the stream ends; it comes back and goes on after its last line.
    private const int MostUnread = 2000;
    private const int LinesAtOnce = 500;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Topic> _topics = [];
    private TaskCompletionSource _somebodyWatches = NewSignal();
    private int _watchers;

    /// <summary>Begins to watch.</summary>
    /// <param name="id">A run that is there.</param>
    /// <param name="cancellation">Ends the look for its last line.</param>
    /// <returns>To be read and disposed; null when too many watch already.</returns>
    public async Task<Watch?> TryWatchAsync(Guid id, CancellationToken cancellation = default)
    {
        var last = await FindLastLineAsync(id, cancellation);
        lock (_gate)
        {
            if (_watchers == MostWatchers) return null;
            _watchers++;
            if (!_topics.TryGetValue(id, out var topic)) _topics[id] = topic = new(last);
            var watch = new Watch(this, runs, id);
            topic.Watches.Add(watch);
            _somebodyWatches.TrySetResult();
            return watch;
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await _somebodyWatches.Task.WaitAsync(stoppingToken);
                await LookAsync(stoppingToken);
                await Task.Delay(Pause, clock, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(e);
                await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        Guid[] ids;
        lock (_gate)
        {
            ids = [.. _topics.Keys];
            if (ids.Length == 0) _somebodyWatches = NewSignal();
        }
        if (ids.Length == 0) return;

        await using var connection = await database.OpenAsync(cancellation);
        // The row's version tells whether anything of it changed, without reading its output.
        var states = (await connection.QueryAsync<(Guid Id, long RowVersion, long LastLine)>(new CommandDefinition(
            """
            SELECT r.id, r.xmin::text::bigint, coalesce((SELECT max(l.id) FROM jobplatform.job_run_logs l WHERE l.run_id = r.id), 0)
              FROM jobplatform.job_runs r WHERE r.id = ANY (@ids)
            """, new { ids }, cancellationToken: cancellation))).ToDictionary(state => state.Id);
        foreach (var id in ids)
        {
            Topic? topic;
            lock (_gate) topic = _topics.GetValueOrDefault(id);
            if (topic is null) continue;
            if (!states.TryGetValue(id, out var state))
            {
                // Deleted.
                foreach (var watch in WatchesOf(topic)) watch.Close();
                continue;
            }
            // Read before its lines, so that an end is told after the last of them.
            var run = state.RowVersion == topic.RowVersion ? null : await runs.FindAsync(id, cancellation);
            while (topic.LastLine < state.LastLine && await runs.ListLogAsync(id, topic.LastLine, LinesAtOnce, cancellation) is { Count: > 0 } lines)
            {
                Send(topic, lines.Select(line => new RunEvent(null, line)));
                topic.LastLine = lines[^1].Id;
            }
            topic.RowVersion = state.RowVersion;
            if (run is not null) Send(topic, [new(run, null)]);
        }
    }

    private void Send(Topic topic, IEnumerable<RunEvent> events)
    {
        var watches = WatchesOf(topic);
        foreach (var happened in events)
            foreach (var watch in watches) watch.Send(happened);
    }

    private Watch[] WatchesOf(Topic topic)
    {
        lock (_gate) return [.. topic.Watches];
    }

    private async Task<long> FindLastLineAsync(Guid id, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition(
            "SELECT coalesce(max(id), 0) FROM jobplatform.job_run_logs WHERE run_id = @id", new { id }, cancellationToken: cancellation));
    }

    private void End(Watch watch)
    {
        lock (_gate)
        {
            if (!_topics.TryGetValue(watch.RunId, out var topic) || !topic.Watches.Remove(watch)) return;
            _watchers--;
            if (topic.Watches.Count == 0) _topics.Remove(watch.RunId);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(1301, LogLevel.Warning, "Runs that are watched could not be looked at; next try in half a second")]
    private partial void LogFailed(Exception exception);

    /// <summary>One who watches a run. Read once, by one reader.</summary>
    public sealed class Watch : IDisposable
    {
        private readonly RunEvents _events;
        private readonly RunStore _runs;
        private readonly Channel<RunEvent> _unread = Channel.CreateBounded<RunEvent>(new BoundedChannelOptions(MostUnread) { SingleReader = true });

        internal Watch(RunEvents events, RunStore runs, Guid runId) => (_events, _runs, RunId) = (events, runs, runId);

        internal Guid RunId { get; }

        /// <summary>
        /// The lines after one that is known, then how the run stands, then what happens; ends when the run has, or when the
        /// reader is too slow.
        /// </summary>
        /// <param name="afterLine">The last line that is known; 0 for none.</param>
        /// <param name="cancellation">Ends it.</param>
        public async IAsyncEnumerable<RunEvent> ReadAsync(long afterLine, [EnumeratorCancellation] CancellationToken cancellation = default)
        {
            // Read before the lines: were it the other way round, lines written in between would be missing from a run that has ended.
            var run = await _runs.FindAsync(RunId, cancellation);
            var known = afterLine;
            // What comes meanwhile waits in the channel, some of it twice.
            while (await _runs.ListLogAsync(RunId, known, LinesAtOnce, cancellation) is { Count: > 0 } lines)
            {
                foreach (var line in lines) yield return new(null, line);
                known = lines[^1].Id;
            }
            if (run is null) yield break;
            yield return new(run, null);
            if (run.Status.IsEnd()) yield break;
            await foreach (var next in _unread.Reader.ReadAllAsync(cancellation))
            {
                if (next.Line is { } line && line.Id <= known) continue;
                yield return next;
                if (next.Run is { } changed && changed.Status.IsEnd()) yield break;
            }
        }

        /// <inheritdoc/>
        public void Dispose() => _events.End(this);

        internal void Send(RunEvent happened)
        {
            if (!_unread.Writer.TryWrite(happened)) _unread.Writer.TryComplete();
        }

        internal void Close() => _unread.Writer.TryComplete();
    }

    // What is watched of a run, and up to where everybody has been told; the latter is the loop's own.
    private sealed class Topic(long lastLine)
    {
        public List<Watch> Watches { get; } = [];

        public long LastLine { get; set; } = lastLine;

        public long RowVersion { get; set; }
    }
}
