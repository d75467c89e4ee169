using System.Diagnostics;
using Dapper;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>
/// How long the admin pages take at the server with thousands of jobs and millions of runs, and whether any of them
/// scanned the table of runs: PostgreSQL counts such scans.
/// </summary>
internal static class PageSpeed
{
    private const int Jobs = 2000;
    private const int WarmUp = 40;
    private const int Views = 100;
    private const double MostMilliseconds = 50;
    private const int RunsAtOnce = 500_000;
    private const string Scans = "SELECT seq_scan FROM pg_stat_user_tables WHERE schemaname = 'jobplatform' AND relname = 'job_runs'";

    // A scan of a whole index would show here: it reads an entry for each run.
    private const string Entries = "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE schemaname = 'jobplatform' AND relname = 'job_runs'";

    private const string FillJobs =
        """
        INSERT INTO jobplatform.jobs (name, handler, cron_expression)
        SELECT 'job-' || lpad(n::text, 4, '0'), 'cleanup-sessions', n % 60 || ' ' || n % 24 || ' * * *' FROM generate_series(1, @Jobs) n;
        INSERT INTO jobplatform.schedules (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
        SELECT id, name, version, cron_expression, time_zone, misfire_policy, now() + id * interval '40 s' FROM jobplatform.jobs WHERE name LIKE 'job-%';
        """;

    // Over 90 days, as retention keeps them; one in 50 failed, one in 100 was skipped, with a payload and an output as real ones have.
    private const string FillRuns =
        """
        INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, triggered_by, created_at, run_at, started_at, finished_at, duration_ms, fence, attempt,
                                          queue, priority, limited, status, skip_reason, worker, payload, output, error)
        SELECT (substr(jobplatform.uuid_v7_floor(at)::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid, j.ids[1 + n % @Jobs], 1, 'api', 'load', at, at, at, at + interval '1 s', n % 5000, 1, 1,
               'default', 5, true, CASE WHEN n % 50 = 0 THEN 'failed' WHEN n % 100 = 1 THEN 'skipped' ELSE 'success' END, CASE WHEN n % 50 <> 0 AND n % 100 = 1 THEN 'overlap' END, 'worker',
               jsonb_build_object('number', n), jsonb_build_object('deleted', n, 'note', md5(n::text)), CASE WHEN n % 50 = 0 THEN '{"type": "x", "message": "it broke", "attempt": 1}'::jsonb END
          FROM (SELECT array_agg(id ORDER BY id) AS ids FROM jobplatform.jobs WHERE name LIKE 'job-%') j,
               generate_series(@from::bigint, @to::bigint) n, LATERAL (SELECT now() - interval '90 days' * (1 - n::float8 / @runs) AS at) t
        """;

    // A mail, an entry of the audit log and a warning for each ten runs: as far as lists may grow until they are purged.
    private const string FillLists =
        """
        INSERT INTO jobplatform.job_handlers (key, url) SELECT 'hook-' || lpad(n::text, 4, '0'), 'https://hooks.example.com/' FROM generate_series(1, 200) n;
        INSERT INTO jobplatform.directory_connections (id, company, name, kind, url, ldap)
        SELECT gen_random_uuid(), 'company-' || lpad(n::text, 4, '0'), 'staff', 'ldap', 'ldaps://directory.example.com', '{"base_dn": "dc=example,dc=com"}' FROM generate_series(1, 200) n;
        INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, status, sent_at, last_error)
        SELECT 'person@example.com', 'A subject', 'x', CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'sent' END, CASE WHEN n % 1000 <> 0 THEN now() END, CASE WHEN n % 1000 = 0 THEN 'It broke.' END
          FROM generate_series(1, @runs / 10) n;
        INSERT INTO jobplatform.admin_logs (created_at, actor, action, subject)
        SELECT now() - n * interval '1 s', CASE WHEN n % 3 = 0 THEN 'operator' ELSE 'admin:ada@example.com' END, CASE WHEN n % 1000 = 1 THEN 'job.deleted' ELSE 'job.run' END, 'job-' || lpad((n % @Jobs)::text, 4, '0')
          FROM generate_series(1, @runs / 10) n;
        INSERT INTO jobplatform.error_logs (level, category, event_id, message)
        SELECT CASE WHEN n % 1000 = 0 THEN 'critical' WHEN n % 10 = 0 THEN 'error' ELSE 'warning' END, 'part-' || n % 20, n % 50, 'Something is odd.' FROM generate_series(1, @runs / 10) n;
        """;

    private const string FillStatistics =
        """
        INSERT INTO jobplatform.job_statistics (job_id, success_count, failed_count, last_run_id, last_status, last_finished_at, last_duration_ms)
        SELECT j.id, 100, 3, r.id, r.status, r.finished_at, r.duration_ms FROM jobplatform.jobs j
         CROSS JOIN LATERAL (SELECT * FROM jobplatform.job_runs WHERE job_id = j.id ORDER BY id DESC LIMIT 1) r
        """;

    public static async Task MeasureAsync(int runs)
    {
        await using var database = await TestDatabase.CreateAsync();
        await FillAsync(database, runs);
        var run = await database.ScalarAsync<Guid>("SELECT id FROM jobplatform.job_runs WHERE status = 'failed' ORDER BY id DESC LIMIT 1");
        await using var server = await RunningServer.StartAsync(database, ("ROLE", "web"), ("CALLS_PER_MINUTE", "1000000"));
        // The statistics of each hour are read once a process.
        (await server.Http.GetAsync(new Uri("/admin", UriKind.Relative))).EnsureSuccessStatusCode();
        var (scans, entries, views) = (await database.ScalarAsync<long>(Scans), await database.ScalarAsync<long>(Entries), 0);
        foreach (var (name, address) in new[]
        {
            ("overview", "/admin"), ("jobs", "/admin/jobs"), ("jobs by next due time", "/admin/jobs?q=sort%3Anext"), ("jobs that failed", "/admin/jobs?q=status%3Afailed"),
            ("job", "/admin/jobs/job-1000"), ("versions", "/admin/jobs/job-1000/versions"), ("edit job", "/admin/jobs/job-1000/edit"), ("runs", "/admin/runs"),
            ("runs that failed", "/admin/runs?q=status%3Afailed"), ("runs of a job", "/admin/runs?q=job%3Ajob-1000"), ("failed runs of a job", "/admin/runs?q=job%3Ajob-1000+status%3Afailed"),
            ("runs by people", "/admin/runs?q=trigger%3Amanual"), ("runs by cron, of which there are none", "/admin/runs?q=trigger%3Acron"), ("run", $"/admin/runs/{run}"),
            ("schedules", "/admin/schedules"), ("handlers", "/admin/handlers"), ("handler", "/admin/handlers/cleanup-sessions"), ("webhook", "/admin/handlers/hook-0100"),
            ("directories", "/admin/directory"), ("e-mails", "/admin/emails"), ("failed e-mails", "/admin/emails?q=status%3Afailed"), ("mail preview", "/admin/emails/previews/license-3-days/de"),
            ("audit log", "/admin/audit"), ("audit log of a subject", "/admin/audit?q=subject%3Ajob-1000"), ("audit log of an actor and an action", "/admin/audit?q=actor%3Aoperator+action%3Ajob.deleted"),
            ("logs", "/admin/logs"), ("critical logs of a category", "/admin/logs?q=level%3Acritical+category%3Apart-3"), ("settings", "/admin/settings"), ("settings, with the check of all jobs", "/admin/settings?check=all"),
            ("runs with a text, in 24 hours", "/admin/runs?q=no-such-text"), ("runs with a text, in 30 days", "/admin/runs?q=no-such-text+since%3A30d"),
        })
        {
            var times = new List<double>();
            for (var view = -WarmUp; view < Views; view++)
            {
                var start = Stopwatch.GetTimestamp();
                using var answer = await server.Http.GetAsync(new Uri(address, UriKind.Relative));
                answer.EnsureSuccessStatusCode();
                views++;
                // A server that has just started compiles while it answers.
                if (view >= 0) times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            Figures.Print($"page {name}, p95", "ms", Figures.Percentile(times, 0.95), MostMilliseconds, note: $"p50 {Figures.Percentile(times, 0.5):0.0} ms; {Jobs:N0} jobs, {runs:N0} runs");
        }
        // A backend reports what it did when it is idle, after ten seconds at most.
        await Task.Delay(TimeSpan.FromSeconds(11), TimeProvider.System, CancellationToken.None);
        var scanned = await database.ScalarAsync<long>(Scans) - scans;
        Figures.Print("index entries of runs read for a page", "", (await database.ScalarAsync<long>(Entries) - entries) / (double)views, runs, "mean of all pages, beside the number of runs");
        Figures.Print("scans of the table of runs", "", scanned, note: "by all of these pages; each would read all of its rows");
        if (scanned > 0) throw new InvalidOperationException($"The pages scanned jobplatform.job_runs {scanned} times.");
    }

    private static async Task FillAsync(TestDatabase database, int runs)
    {
        await using var connection = await database.OpenAsync();
        await connection.ExecuteAsync(FillJobs, new { Jobs });
        for (var from = 1L; from <= runs; from += RunsAtOnce)
            await connection.ExecuteAsync(FillRuns, new { Jobs, from, to = Math.Min(runs, from + RunsAtOnce - 1), runs }, commandTimeout: 0);
        await connection.ExecuteAsync(FillStatistics, commandTimeout: 0);
        await connection.ExecuteAsync(FillLists, new { Jobs, runs }, commandTimeout: 0);
        await connection.ExecuteAsync("VACUUM ANALYZE", commandTimeout: 0);
    }
}
