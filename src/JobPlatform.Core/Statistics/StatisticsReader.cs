using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Statistics;

/// <summary>
/// Reads how the platform is doing. An hour that is over hardly changes and is read again after an hour; the one that
/// goes on, and the rest, at most every few seconds, whoever asks. Thread-safe.
/// </summary>
public sealed class StatisticsReader(PlatformDatabase database, TimeProvider clock) : IDisposable
{
    private const int Hours = 24;
    private const int MostWorkers = 20;

    // Some 140 runs a second for an hour; about half a second to read.
    private const int MostRunsOfHour = 500_000;

    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(5);

    // Ends are recorded in batches: by then all of an hour's are.
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(2);

    // Somebody may delete an old hour's runs, or a machine whose clock was wrong write some into it.
    private static readonly TimeSpan SettledFor = TimeSpan.FromHours(1);

    private Dictionary<DateTimeOffset, (HourFigures Figures, long At)> _settled = [];
    private readonly SemaphoreSlim _one = new(1);
    private (PlatformFigures Figures, long At)? _last;

    /// <summary>The figures, at most five seconds old.</summary>
    public async Task<PlatformFigures> ReadAsync(CancellationToken cancellation = default)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (_last is { } last && clock.GetElapsedTime(last.At) < Freshness) return last.Figures;
            var at = clock.GetTimestamp();
            await using var connection = await database.OpenAsync(cancellation);
            var hours = await ReadHoursAsync(connection, cancellation);
            var now = await ReadNowAsync(connection, cancellation) with { Hours = hours };
            _last = (now, at);
            return now;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _one.Dispose();

    private async Task<IReadOnlyList<HourFigures>> ReadHoursAsync(Npgsql.NpgsqlConnection connection, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var current = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero);
        var figures = new List<HourFigures>(Hours);
        var settled = new Dictionary<DateTimeOffset, (HourFigures Figures, long At)>(Hours);
        for (var hour = current.AddHours(1 - Hours); hour <= current; hour = hour.AddHours(1))
        {
            if (!_settled.TryGetValue(hour, out var known) || clock.GetElapsedTime(known.At) >= SettledFor)
                known = (await ReadHourAsync(connection, hour, cancellation), clock.GetTimestamp());
            if (hour.AddHours(1) + Settling <= now) settled[hour] = known;
            figures.Add(known.Figures);
        }
        // Of the last day only: what is older is forgotten.
        _settled = settled;
        return figures;
    }

    private static Task<HourFigures> ReadHourAsync(Npgsql.NpgsqlConnection connection, DateTimeOffset hour, CancellationToken cancellation) =>
        connection.QuerySingleAsync<HourFigures>(new CommandDefinition(
            """
            SELECT @hour AS hour,
                   count(*) FILTER (WHERE status = 'success')::int AS success, count(*) FILTER (WHERE status = 'failed')::int AS failed,
                   count(*) FILTER (WHERE status = 'canceled')::int AS canceled, count(*) FILTER (WHERE status = 'skipped')::int AS skipped,
                   count(*) = @most AS is_more,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY wait_ms) AS wait_ms_p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY wait_ms) AS wait_ms_p95,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY run_ms) AS run_ms_p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY run_ms) AS run_ms_p95
              FROM (SELECT status, duration_ms::float8 AS run_ms,
                           CASE WHEN status IN ('success', 'failed') THEN greatest(0, extract(epoch FROM started_at - run_at) * 1000)::float8 END AS wait_ms
                      FROM jobplatform.job_runs WHERE finished_at >= @hour AND finished_at < @hour + interval '1 hour'
                     ORDER BY finished_at LIMIT @most) ended
            """, new { hour, most = MostRunsOfHour }, cancellationToken: cancellation));

    private async Task<PlatformFigures> ReadNowAsync(Npgsql.NpgsqlConnection connection, CancellationToken cancellation)
    {
        // Each count along a partial index of its own, and no further than to its limit.
        await using var rows = await connection.QueryMultipleAsync(new CommandDefinition(
            """
            SELECT count(*)::int FROM (
                (SELECT FROM jobplatform.job_runs WHERE status IN ('queued', 'retrying') AND limited LIMIT @most)
                UNION ALL (SELECT FROM jobplatform.job_runs WHERE status IN ('queued', 'retrying') AND NOT limited LIMIT @most)) waiting;
            SELECT count(*)::int FROM (
                (SELECT FROM jobplatform.job_runs WHERE status IN ('queued', 'retrying') AND limited AND run_at <= @now LIMIT @most)
                UNION ALL (SELECT FROM jobplatform.job_runs WHERE status IN ('queued', 'retrying') AND NOT limited AND run_at <= @now LIMIT @most)) overdue;
            SELECT count(*)::int FROM (SELECT FROM jobplatform.job_runs WHERE status = 'running' LIMIT @most) running;
            SELECT count(*)::int, coalesce(sum(concurrency), 0)::int FROM jobplatform.workers WHERE lease_until > clock_timestamp();
            SELECT name, concurrency AS places, version, started_at FROM jobplatform.workers WHERE lease_until > clock_timestamp() ORDER BY name LIMIT @MostWorkers;
            SELECT count(*)::int FROM (SELECT FROM jobplatform.pending_emails WHERE status = 'pending' LIMIT @most) pending;
            """, new { most = CappedCount.Limit + 1, MostWorkers, now = clock.GetUtcNow() }, cancellationToken: cancellation));
        var waiting = await rows.ReadSingleAsync<int>();
        var overdue = await rows.ReadSingleAsync<int>();
        var running = await rows.ReadSingleAsync<int>();
        var (workers, places) = await rows.ReadSingleAsync<(int, int)>();
        var alive = (await rows.ReadAsync<AliveWorker>()).AsList();
        var emails = await rows.ReadSingleAsync<int>();
        return new()
        {
            Waiting = CappedCount.Of(waiting), Overdue = CappedCount.Of(overdue), Running = CappedCount.Of(running),
            WorkersAlive = workers, Workers = alive, Places = places, PendingEmails = CappedCount.Of(emails),
        };
    }
}
