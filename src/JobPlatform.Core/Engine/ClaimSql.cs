using JobPlatform.Core.Runs;
using Npgsql;

namespace JobPlatform.Core.Engine;

/// <summary>
/// What the claims of both engines have in common: a run is started by one atomic, fenced update, and claims that count
/// how many runs of a job run are made one after the other, on all nodes and whichever engine makes them.
/// </summary>
internal static class ClaimSql
{
    // Any constant will do. The mark tells the statements that follow in the same transaction that the lock is held.
    /// <summary>A select list that takes the lock of limited claims until the transaction ends.</summary>
    public const string Lock = "pg_advisory_xact_lock(7669456869594851693), set_config('jobplatform.claims_limited', 'yes', true)";

    /// <summary>Whether this transaction holds that lock.</summary>
    public const string IsUnderLock = "current_setting('jobplatform.claims_limited', true) = 'yes'";

    /// <summary>What is read of a claimed row <c>r</c>.</summary>
    public const string Columns =
        "r.id, r.job_id, r.job_version, r.fence, r.attempt, r.rescues, r.trigger, r.forced, r.limited, r.scheduled_for, r.payload, r.run_at, r.traceparent";

    /// <summary>The columns of <c>job_runs r</c> that a claim sets.</summary>
    public static string Start(string now, string worker) =>
        $"""
        status = 'running', started_at = {now}, worker = {worker}, attempt = r.attempt + 1, fence = r.fence + 1, progress = NULL,
               job_version = coalesce((SELECT j.version FROM jobplatform.jobs j WHERE j.id = r.job_id), r.job_version)
        """;

    /// <summary>Nothing is claimed when the worker's own lease has ended: its runs go on elsewhere.</summary>
    public static string WorkerIsAlive(string worker) =>
        $"EXISTS (SELECT FROM jobplatform.workers w WHERE w.name = {worker} AND w.lease_until > clock_timestamp())";

    // Jobs that have limited runs waiting, by hopping from one to the next in the index: the cost is one look a job,
    // however many of its runs wait.
    public static string WaitingJobs(string condition) =>
        $"""
        waiting (job_id) AS (
            (SELECT job_id FROM jobplatform.job_runs
              WHERE status IN ('queued', 'retrying') AND limited AND {condition} ORDER BY job_id LIMIT 1)
            UNION ALL
            SELECT (SELECT r.job_id FROM jobplatform.job_runs r
                     WHERE r.status IN ('queued', 'retrying') AND r.limited AND r.job_id > w.job_id
                     ORDER BY r.job_id LIMIT 1)
              FROM waiting w WHERE w.job_id IS NOT NULL
        ), load AS (
            SELECT j.id AS job_id, j.priority, j.overlap_policy, j.max_concurrency -
                   (SELECT count(*) FROM jobplatform.job_runs r WHERE r.job_id = j.id AND r.status = 'running') AS places
              FROM waiting w JOIN jobplatform.jobs j ON j.id = w.job_id
             WHERE $2::text[] IS NULL OR j.queue = ANY ($2)
        )
        """;

    /// <summary>Reads a row of <see cref="Columns"/>.</summary>
    public static ClaimedRun Read(NpgsqlDataReader row, DateTimeOffset now) => new()
    {
        Id = row.GetGuid(0),
        JobId = row.GetInt64(1),
        JobVersion = row.GetInt32(2),
        Fence = row.GetInt64(3),
        Attempt = row.GetInt16(4),
        Rescues = row.GetInt16(5),
        Trigger = ReadTrigger(row.GetString(6)),
        Forced = row.GetBoolean(7),
        Limited = row.GetBoolean(8),
        ScheduledFor = row.IsDBNull(9) ? null : new DateTimeOffset(row.GetDateTime(9), TimeSpan.Zero),
        Payload = row.IsDBNull(10) ? null : row.GetString(10),
        RunAt = new DateTimeOffset(row.GetDateTime(11), TimeSpan.Zero),
        TraceParent = row.IsDBNull(12) ? null : row.GetString(12),
        StartedAt = now,
    };

    private static RunTrigger ReadTrigger(string word) => word switch
    {
        "cron" => RunTrigger.Cron,
        "manual" => RunTrigger.Manual,
        "api" => RunTrigger.Api,
        "event" => RunTrigger.Event,
        "sql" => RunTrigger.Sql,
        _ => RunTrigger.Retry,
    };
}
