using Dapper;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Telemetry;
using Npgsql;

namespace JobPlatform.Core.Alerts;

/// <summary>Finds what is wrong, in one round trip, each part along an index.</summary>
internal static class Conditions
{
    private const string Sql =
        // The newest due time that is past its grace, by one step in the index of due times. What the misfire policy
        // skipped after an outage was missed, too, until a run makes up for it.
        """
        SELECT j.id, j.name, CASE WHEN s.next_due_at <= @now - g.grace THEN s.next_due_at ELSE r.scheduled_for END AS due_at
          FROM jobplatform.jobs j
          JOIN jobplatform.schedules s ON s.job_id = j.id AND s.state = 'active'
         CROSS JOIN LATERAL (SELECT coalesce(make_interval(secs => j.missed_after_seconds), @MissedAfter) AS grace) g
          LEFT JOIN LATERAL (
               SELECT o.scheduled_for, o.status, o.started_at, o.skip_reason FROM jobplatform.job_runs o
                WHERE o.job_id = j.id AND o.scheduled_for IS NOT NULL AND o.scheduled_for <= @now - g.grace
                ORDER BY o.scheduled_for DESC LIMIT 1) r ON true
         WHERE j.is_enabled
           AND (s.next_due_at <= @now - g.grace OR (r.status = 'queued' AND r.started_at IS NULL) OR (r.skip_reason = 'misfire' AND NOT EXISTS (
                SELECT FROM jobplatform.job_runs n WHERE n.job_id = j.id AND n.id > jobplatform.uuid_v7_floor(r.scheduled_for) AND n.started_at > r.scheduled_for)))
        """ +
        // What has no schedule at all, as its expression cannot be read: it is never due.
        """

        UNION ALL
        SELECT j.id, j.name, NULL FROM jobplatform.jobs j
         WHERE j.is_enabled AND j.cron_expression IS NOT NULL AND j.updated_at <= @now - coalesce(make_interval(secs => j.missed_after_seconds), @MissedAfter)
           AND NOT EXISTS (SELECT FROM jobplatform.schedules s WHERE s.job_id = j.id)
         ORDER BY 1;
        """ +
        // Five times what the job usually takes, once there is a usual; in any case a minute past its own limit, when the
        // handler goes on although it was told to stop.
        """
        SELECT j.id, j.name, count(*) AS runs, min(r.started_at) AS since, (array_agg(r.id ORDER BY r.started_at))[1] AS oldest
          FROM jobplatform.job_runs r
          JOIN jobplatform.jobs j ON j.id = r.job_id
          LEFT JOIN jobplatform.job_statistics s ON s.job_id = j.id AND s.success_count >= 5
         WHERE r.status = 'running'
           AND r.started_at <= @now - least(
                   CASE WHEN s.job_id IS NOT NULL
                        THEN greatest(@LongRun, make_interval(secs => 0.005 * s.total_duration_ms / (s.success_count + s.failed_count + s.canceled_count))) END,
                   make_interval(secs => j.timeout_seconds + 60))
         GROUP BY j.id, j.name ORDER BY j.id;
        """ + LoadReader.QueuesSql +
        "SELECT run_at FROM jobplatform.pending_emails WHERE status = 'pending' AND run_at <= @now - @MailStuck ORDER BY run_at LIMIT 1";

    /// <param name="connection">A connection of the platform's database.</param>
    /// <param name="settings">From when on something is wrong.</param>
    /// <param name="open">The keys of what was wrong before: a queue has recovered only when half of its limit is left.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<List<Condition>> FindAsync(
        NpgsqlConnection connection, AlertSettings settings, IReadOnlySet<string> open, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            Sql, new { now, settings.MissedAfter, settings.LongRun, settings.MailStuck }, cancellationToken: cancellation));
        var found = (await results.ReadAsync<MissedRun>()).Select(Describe).ToList();
        found.AddRange((await results.ReadAsync<LongRun>()).Select(run => Describe(run, now)));
        foreach (var queue in await results.ReadAsync<QueueLoad>())
            if (Describe(queue, settings.QueueDepth) is var condition && queue.Depth > (open.Contains(condition.Key) ? settings.QueueDepth / 2 : settings.QueueDepth)) found.Add(condition);
        if (await results.ReadSingleOrDefaultAsync<DateTime?>() is { } since) found.Add(DescribeMail(new DateTimeOffset(since, TimeSpan.Zero), now));
        return found;
    }

    private static Condition Describe(MissedRun missed) => missed.DueAt is not { } due
        ? new("missed_run", $"{missed.Id}", missed.Id, $"{missed.Name} is not scheduled",
            $"The job {missed.Name} is enabled and has a cron expression, and yet no schedule.\nIts page says why: the expression or its time zone may be unreadable, or no worker be alive.", $"admin/jobs/{missed.Name}")
        : new("missed_run", $"{missed.Id}", missed.Id, $"{missed.Name} has not started",
        $"The job {missed.Name} was due at {TimeText.At(due)} UTC and has not started.\nIts page says why: no worker may be alive, or its queue is not served or too deep.",
        $"admin/jobs/{missed.Name}");

    private static Condition Describe(LongRun run, DateTimeOffset now) => new("run_too_long", $"{run.Id}", run.Id, $"{run.Name} takes unusually long",
        $"{(run.Runs == 1 ? "A run" : $"{run.Runs} runs")} of the job {run.Name} {(run.Runs == 1 ? "takes" : "take")} far longer than usual; the oldest has been running for {TimeText.Coarse(now - run.Since)}.\n" +
        "Its log says how far it is. It can be canceled there.", $"admin/runs/{run.Oldest}");

    private static Condition Describe(QueueLoad queue, int limit) => new("queue_too_deep", queue.Queue, null, $"The queue {queue.Queue} is too deep",
        $"{queue.Depth} runs of the queue {queue.Queue} wait though they could start ({limit} are allowed), the oldest for {TimeText.Coarse(TimeSpan.FromSeconds(queue.OldestSeconds))}.\n" +
        "Start more workers, or raise WORKER_CONCURRENCY.", "admin/runs");

    private static Condition DescribeMail(DateTimeOffset since, DateTimeOffset now) => new("mail_stuck", "outbox", null, "Mail is not sent",
        $"The oldest mail that is due has waited for {TimeText.Coarse(now - since)}.\nLook at the runs of process-pending-emails, and at the settings SMTP_URL and MAIL_FROM. No mail is lost, this one included.",
        "admin/jobs/process-pending-emails");

    private sealed record MissedRun
    {
        public required long Id { get; init; }

        public required string Name { get; init; }

        public DateTimeOffset? DueAt { get; init; }
    }

    private sealed record LongRun
    {
        public required long Id { get; init; }

        public required string Name { get; init; }

        public required long Runs { get; init; }

        public required DateTimeOffset Since { get; init; }

        public required Guid Oldest { get; init; }
    }
}
