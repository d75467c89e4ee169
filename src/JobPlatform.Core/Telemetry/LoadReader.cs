using Dapper;
using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Core.Telemetry;

/// <summary>
/// Reads a <see cref="LoadSnapshot"/> in one round trip, each part along an index; all who ask within ten seconds share
/// one, so that scraping often costs nothing. Thread-safe.
/// </summary>
public sealed class LoadReader(PlatformDatabase database, TimeProvider clock) : IDisposable
{
    /// <summary>
    /// Runs that wait, by queue; 0 for a queue of the jobs in which none does, as an autoscaler goes down by a figure and
    /// never by its absence. Not one count over the table: it would pass all that are due later.
    /// </summary>
    internal const string QueuesSql =
        """
        SELECT queue, sum(depth)::bigint AS depth, coalesce(max(extract(epoch FROM @now - oldest)), 0)::float8 AS oldest_seconds FROM (
            SELECT l.queue, w.depth, w.oldest FROM (SELECT DISTINCT queue, priority FROM jobplatform.jobs) l CROSS JOIN LATERAL (
                SELECT count(*) AS depth, min(run_at) AS oldest FROM (
                    SELECT run_at FROM jobplatform.job_runs
                     WHERE status IN ('queued', 'retrying') AND NOT limited AND queue = l.queue AND priority = l.priority AND run_at <= @now
                     ORDER BY run_at LIMIT 10000) r) w
            UNION ALL
            SELECT j.queue, w.depth, w.oldest FROM jobplatform.jobs j CROSS JOIN LATERAL (
                SELECT count(*) AS depth, min(run_at) AS oldest FROM (
                    SELECT run_at FROM jobplatform.job_runs
                     WHERE status IN ('queued', 'retrying') AND limited AND job_id = j.id AND run_at <= @now
                     ORDER BY run_at LIMIT 10000) r) w) waiting
         GROUP BY queue ORDER BY queue;
        """;

    private const string Sql = QueuesSql +
        """
        SELECT (SELECT count(*) FROM jobplatform.job_runs WHERE status = 'running') AS running,
               coalesce((SELECT greatest(extract(epoch FROM @now - min(next_due_at)), 0) FROM jobplatform.schedules WHERE state = 'active'), 0)::float8 AS due_time_lag_seconds,
               w.workers, w.places, m.mails, m.oldest_mail_seconds,
               (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()) AS transactions
          FROM (SELECT count(*) AS workers, coalesce(sum(concurrency), 0)::bigint AS places FROM jobplatform.workers WHERE lease_until > clock_timestamp()) w,
               (SELECT count(*) AS mails, coalesce(extract(epoch FROM @now - min(run_at)), 0)::float8 AS oldest_mail_seconds FROM (
                    SELECT run_at FROM jobplatform.pending_emails WHERE status = 'pending' AND run_at <= @now ORDER BY run_at LIMIT 10000) e) m;
        SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name LIKE 'jobplatform%' GROUP BY 1 ORDER BY 1;
        SELECT schemaname || '.' || relname AS "table", pg_total_relation_size(relid) AS bytes, n_live_tup AS rows, n_dead_tup AS dead_rows
          FROM pg_stat_user_tables WHERE schemaname IN ('jobplatform', 'jobplatform_hangfire') ORDER BY 1;
        SELECT j.name, s.consecutive_failures::bigint FROM jobplatform.job_statistics s JOIN jobplatform.jobs j ON j.id = s.job_id
         WHERE s.consecutive_failures > 0 ORDER BY j.name;
        SELECT kind, count(*) FROM jobplatform.alerts WHERE closed_at IS NULL GROUP BY kind ORDER BY kind
        """;

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private readonly SemaphoreSlim _one = new(1);
    private volatile Reading? _last;

    /// <summary>The last one that was read; null before the first, and when the database did not answer.</summary>
    public LoadSnapshot? Last => _last?.Load;

    /// <summary>Whether the database answered the last time; null before the first.</summary>
    public bool? IsUp => _last is { } last ? last.Load is not null : null;

    /// <summary>One that is ten seconds old at most; null when the database does not answer within 5 s.</summary>
    public async Task<LoadSnapshot?> GetAsync(CancellationToken cancellation = default)
    {
        await _one.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_last is { } last && clock.GetElapsedTime(last.At) < Lifetime) return last.Load;
            using var timeUp = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            timeUp.CancelAfter(Limit);
            LoadSnapshot? load;
            try
            {
                load = await ReadAsync(timeUp.Token);
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested && e is NpgsqlException or TimeoutException or OperationCanceledException)
            {
                // Said by the gauge jobplatform.database.up; what it hinders says so in the log.
                load = null;
            }
            _last = new(load, clock.GetTimestamp());
            return load;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    private async Task<LoadSnapshot> ReadAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(Sql, new { now = clock.GetUtcNow() }, cancellationToken: cancellation));
        var queues = (await results.ReadAsync<QueueLoad>()).AsList();
        var counts = await results.ReadSingleAsync<Counts>();
        return new LoadSnapshot
        {
            Queues = queues, Running = counts.Running, DueTimeLagSeconds = counts.DueTimeLagSeconds, Workers = counts.Workers, Places = counts.Places,
            Mails = counts.Mails, OldestMailSeconds = counts.OldestMailSeconds, Transactions = counts.Transactions,
            Connections = (await results.ReadAsync<(string, long)>()).AsList(), Tables = (await results.ReadAsync<TableLoad>()).AsList(),
            Failing = (await results.ReadAsync<(string, long)>()).AsList(), Alerts = (await results.ReadAsync<(string, long)>()).AsList(),
        };
    }

    private sealed record Reading(LoadSnapshot? Load, long At);

    private sealed record Counts
    {
        public long Running { get; init; }

        public double DueTimeLagSeconds { get; init; }

        public long Workers { get; init; }

        public long Places { get; init; }

        public long Mails { get; init; }

        public double OldestMailSeconds { get; init; }

        public long Transactions { get; init; }
    }
}
