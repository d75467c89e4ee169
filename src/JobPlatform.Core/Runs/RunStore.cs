using System.Text.Json;
using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using Npgsql;

namespace JobPlatform.Core.Runs;

/// <summary>A run as people and callers see it. Immutable.</summary>
public sealed record RunDetails
{
    private const string Head =
        """
        r.id, coalesce(j.name, (SELECT v.definition ->> 'name' FROM jobplatform.job_versions v
                                 WHERE v.job_id = r.job_id ORDER BY v.version DESC LIMIT 1), '(deleted)') AS job,
        r.status, r.skip_reason, r.trigger, r.triggered_by, r.attempt, r.run_at, r.scheduled_for, r.created_at,
        r.started_at, r.finished_at, r.duration_ms, r.worker, r.retry_of, r.progress,
        CASE WHEN r.engine_ref <> '' THEN '/hangfire/jobs/details/' || r.engine_ref END AS engine_url
        """;

    internal const string Columns = Head + ", r.payload, r.output, r.error";

    internal static readonly string ListColumns =
        $"{Head}, {Short("r.payload")} AS payload, {Short("r.output")} AS output, {Short("r.error")} AS error";

    /// <summary>The value, or, of one that is long, a note: a page of long outputs would be a hundred megabytes.</summary>
    internal static string Short(string value) =>
        $$"""CASE WHEN pg_column_size({{value}}) > 2000 THEN '{"note": "It is too long for a list; the run itself shows it."}'::jsonb ELSE {{value}} END""";

    internal const string From = "jobplatform.job_runs r LEFT JOIN jobplatform.jobs j ON j.id = r.job_id";

    /// <summary>The run's key; time-ordered.</summary>
    public Guid Id { get; init; }

    /// <summary>The job's name.</summary>
    public required string Job { get; init; }

    /// <summary>The run's state.</summary>
    public RunStatus Status { get; init; }

    /// <summary>Why it was skipped: <c>overlap</c>, <c>misfire</c> or <c>safety_stop</c>.</summary>
    public string? SkipReason { get; init; }

    /// <summary>Why it exists.</summary>
    public RunTrigger Trigger { get; init; }

    /// <summary>Who asked for it.</summary>
    public string? TriggeredBy { get; init; }

    /// <summary>The number of the last attempt; 0 before the first.</summary>
    public int Attempt { get; init; }

    /// <summary>When it was or is to start.</summary>
    public DateTimeOffset RunAt { get; init; }

    /// <summary>The due time that a cron run stands for.</summary>
    public DateTimeOffset? ScheduledFor { get; init; }

    /// <summary>When the row was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the last attempt began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When the run ended.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>How long the last attempt took.</summary>
    public long? DurationMs { get; init; }

    /// <summary>Keys laid over the job's config.</summary>
    public JsonElement? Payload { get; init; }

    /// <summary>How far it is: done, total, note.</summary>
    public JsonElement? Progress { get; init; }

    /// <summary>What the handler put out.</summary>
    public JsonElement? Output { get; init; }

    /// <summary>The last error: type, message, attempt and perhaps stack.</summary>
    public JsonElement? Error { get; init; }

    /// <summary>The worker that runs or ran it.</summary>
    public string? Worker { get; init; }

    /// <summary>The address of the job that carries it in the engine's own dashboard, on this host; null where it has none.</summary>
    public string? EngineUrl { get; init; }

    /// <summary>The run that this one retries.</summary>
    public Guid? RetryOf { get; init; }
}

/// <summary>A line of a run's log.</summary>
public sealed record RunLogLine
{
    /// <summary>Grows; the place to go on from.</summary>
    public long Id { get; init; }

    /// <summary>The attempt that wrote it.</summary>
    public int Attempt { get; init; }

    /// <summary>When it was written.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary><c>debug</c>, <c>information</c>, <c>warning</c> or <c>error</c>.</summary>
    public required string Level { get; init; }

    /// <summary>The text.</summary>
    public required string Message { get; init; }
}

/// <summary>What became of a request to cancel.</summary>
public enum CancelAnswer
{
    /// <summary>There is no such run.</summary>
    Unknown,

    /// <summary>It had ended before.</summary>
    EndedBefore,

    /// <summary>It waited and is canceled now.</summary>
    Canceled,

    /// <summary>It runs; its handler is told.</summary>
    Requested,
}

/// <summary>Reads and cancels runs. Thread-safe.</summary>
public sealed class RunStore(PlatformDatabase database, IJobEngine engine, AuditLog audit, TimeProvider clock)
{
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    /// <summary>The run, null when there is none of that key.</summary>
    public async Task<RunDetails?> FindAsync(Guid id, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<RunDetails>(new CommandDefinition(
            $"SELECT {RunDetails.Columns} FROM {RunDetails.From} WHERE r.id = @id", new { id }, cancellationToken: cancellation));
    }

    /// <summary>The run, as soon as it has ended or <paramref name="wait"/> is over; null when there is none of that key.</summary>
    public async Task<RunDetails?> WaitAsync(Guid id, TimeSpan wait, CancellationToken cancellation = default)
    {
        var start = clock.GetTimestamp();
        for (var pause = FirstLook; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var run = await FindAsync(id, cancellation);
            var left = wait - clock.GetElapsedTime(start);
            if (run is null || run.Status.IsEnd() || left <= TimeSpan.Zero) return run;
            await Task.Delay(pause < left ? pause : left, clock, cancellation);
        }
    }

    /// <summary>
    /// Runs that fit, newest first, before <paramref name="beforeId"/>, at most <paramref name="limit"/>; of long payloads,
    /// outputs and errors only that they are long.
    /// </summary>
    public async Task<IReadOnlyList<RunDetails>> ListAsync(RunFilter filter, Guid? beforeId, int limit, CancellationToken cancellation = default)
    {
        var parameters = filter.ToParameters();
        parameters.Add("beforeId", beforeId);
        parameters.Add("limit", limit);
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<RunDetails>(new CommandDefinition(
            $"""
            SELECT {RunDetails.ListColumns} FROM {RunDetails.From}
             WHERE {filter.ToSql()}{(beforeId is null ? "" : " AND r.id < @beforeId")} ORDER BY r.id DESC LIMIT @limit
            """, parameters, cancellationToken: cancellation))).AsList();
    }

    /// <summary>A run's attempts that did not succeed, in their order; a run that succeeded at once has none.</summary>
    public async Task<IReadOnlyList<RunAttempt>> ListAttemptsAsync(Guid id, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<RunAttempt>(new CommandDefinition(
            """
            SELECT number, outcome, started_at, finished_at, worker, error FROM jobplatform.job_attempts
             WHERE run_id = @id ORDER BY number, fence
            """, new { id }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Lines of a run's log after <paramref name="afterId"/>, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<RunLogLine>> ListLogAsync(Guid id, long afterId, int limit, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<RunLogLine>(new CommandDefinition(
            """
            SELECT id, attempt, at, level, message FROM jobplatform.job_run_logs
             WHERE run_id = @id AND id > @afterId ORDER BY id LIMIT @limit
            """, new { id, afterId, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>The last lines of a run's log before <paramref name="beforeId"/>, at most <paramref name="limit"/>, in their order.</summary>
    public async Task<IReadOnlyList<RunLogLine>> ListLastLogAsync(Guid id, long? beforeId, int limit, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        var lines = (await connection.QueryAsync<RunLogLine>(new CommandDefinition(
            """
            SELECT id, attempt, at, level, message FROM jobplatform.job_run_logs
             WHERE run_id = @id AND id < @before ORDER BY id DESC LIMIT @limit
            """, new { id, before = beforeId ?? long.MaxValue, limit }, cancellationToken: cancellation))).AsList();
        lines.Reverse();
        return lines;
    }

    /// <summary>Cancels a run that waits; tells the handler of one that runs.</summary>
    public async Task<CancelAnswer> CancelAsync(Guid id, Actor actor, CancellationToken cancellation = default)
    {
        var answer = await MarkCanceledAsync(id, actor, cancellation);
        if (answer is CancelAnswer.Canceled or CancelAnswer.Requested) await engine.WithdrawAsync(id, cancellation);
        return answer;
    }

    /// <summary>As <see cref="CancelAsync(Guid, Actor, CancellationToken)"/>, for an engine that knows of it already.</summary>
    internal async Task<CancelAnswer> MarkCanceledAsync(Guid id, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var canceled = await CancelAsync(connection, [id], actor, cancellation);
        if (canceled.Count == 0) return await FindAsync(id, cancellation) is null ? CancelAnswer.Unknown : CancelAnswer.EndedBefore;
        await audit.AppendAsync(connection, new(actor, "run.cancel", $"{id}"), cancellation);
        await transaction.CommitAsync(cancellation);
        return canceled[0].IsRunning ? CancelAnswer.Requested : CancelAnswer.Canceled;
    }

    /// <summary>Cancels those of the runs that have not ended, in the connection's transaction; the engine is not told.</summary>
    internal async Task<IReadOnlyList<(Guid Id, bool IsRunning)>> CancelAsync(
        NpgsqlConnection connection, IReadOnlyCollection<Guid> ids, Actor actor, CancellationToken cancellation) =>
        (await connection.QueryAsync<(Guid, bool)>(new CommandDefinition(
            """
            WITH wanted AS (
                -- Locked in one order, so that two who cancel the same runs never wait for each other in a circle.
                SELECT id FROM jobplatform.job_runs
                 WHERE id = ANY (@ids) AND status IN ('queued', 'retrying', 'running') ORDER BY id FOR UPDATE
            ), canceled AS (
                UPDATE jobplatform.job_runs r
                   SET status = CASE WHEN r.status = 'running' THEN r.status ELSE 'canceled' END,
                       finished_at = CASE WHEN r.status = 'running' THEN NULL ELSE @now END,
                       cancel_requested = true,
                       error = CASE WHEN r.status = 'running' THEN r.error
                               ELSE jsonb_build_object('type', 'canceled', 'message', 'Canceled by ' || @actor || '.', 'attempt', r.attempt) END
                  FROM wanted w WHERE r.id = w.id
                RETURNING r.id, r.job_id, r.status
            ), counted AS (
                INSERT INTO jobplatform.job_statistics AS s (job_id, canceled_count, last_run_id, last_status, last_finished_at)
                SELECT job_id, count(*), (array_agg(id ORDER BY id DESC))[1], 'canceled', @now
                  FROM canceled WHERE status = 'canceled' GROUP BY job_id ORDER BY job_id
                ON CONFLICT (job_id) DO UPDATE
                   SET canceled_count = s.canceled_count + excluded.canceled_count, last_run_id = excluded.last_run_id,
                       last_status = excluded.last_status, last_finished_at = excluded.last_finished_at, last_duration_ms = NULL
            )
            SELECT id, status = 'running' FROM canceled
            """, new { ids = ids.ToArray(), actor = actor.Name, now = clock.GetUtcNow() }, cancellationToken: cancellation))).AsList();
}
