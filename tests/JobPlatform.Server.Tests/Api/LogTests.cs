namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class LogTests
{
    [TestCase("", "6 5 4 3 2 1")]
    [TestCase("actor=ada", "6 4 2")]
    [TestCase("action=job.updated", "3 2 1")]
    [TestCase("subject=b", "6 5 4")]
    [TestCase("from=2026-01-03T00:00:00Z&to=2026-01-05T00:00:00Z", "4 3")]
    public async Task The_audit_log_is_read_by_who_what_and_when(string query, string ids)
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.admin_logs (created_at, actor, action, subject)
            SELECT '2026-01-01Z'::timestamptz + (n - 1) * interval '1 day', CASE WHEN n % 2 = 0 THEN 'ada' ELSE 'bob' END,
                   CASE WHEN n > 3 THEN 'job.deleted' ELSE 'job.updated' END, CASE WHEN n > 3 THEN 'b' ELSE 'a' END FROM generate_series(1, 6) AS n ORDER BY n
            """);

        Assert.That(string.Join(' ', (await host.ListAsync($"/api/audit?{query}", 2)).Select(entry => entry.GetProperty("id"))), Is.EqualTo(ids));
    }

    [TestCase("", "4 3 2 1")]
    [TestCase("level=error", "4 2")]
    [TestCase("category=JobPlatform.A", "2 1")]
    [TestCase("event_id=7", "3 1")]
    public async Task Warnings_and_errors_are_read_by_kind(string query, string ids)
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.error_logs (level, category, event_id, message)
            SELECT CASE WHEN n % 2 = 0 THEN 'error' ELSE 'warning' END, CASE WHEN n > 2 THEN 'JobPlatform.B' ELSE 'JobPlatform.A' END, CASE WHEN n % 2 = 0 THEN 8 ELSE 7 END, 'm'
              FROM generate_series(1, 4) AS n ORDER BY n
            """);

        Assert.That(string.Join(' ', (await host.ListAsync($"/api/logs?{query}", 1)).Select(entry => entry.GetProperty("id"))), Is.EqualTo(ids));
    }

    [Test]
    public async Task Mails_are_listed_retried_and_canceled()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync(
            """
            SELECT jobplatform.enqueue_email('ada@example.com', 'Hello ' || n, p_text => 'secret body') FROM generate_series(1, 3) AS n;
            UPDATE jobplatform.pending_emails SET status = 'failed', last_error = 'no' WHERE id = 1
            """);

        Assert.That((await host.ListAsync("/api/emails?status=pending", 1)).Select(email => email.GetProperty("id").GetInt64()), Is.EqualTo((long[])[3, 2]));
        Assert.That((await (await host.SendAsync("POST", "/api/emails/1/retry")).ReadAsync()).GetProperty("status").GetString(), Is.EqualTo("pending"));
        Assert.That((await (await host.SendAsync("POST", "/api/emails/2/cancel")).ReadAsync()).GetProperty("status").GetString(), Is.EqualTo("canceled"));
        await (await host.SendAsync("POST", "/api/emails/2/cancel")).ShouldBeProblemAsync(409, "email-state");
        await (await host.SendAsync("POST", "/api/emails/9/retry")).ShouldBeProblemAsync(404, "email-not-found");
        Assert.That((await host.GetAsync("/api/emails/1")).GetRawText(), Does.Not.Contain("secret body"));
    }

    [Test]
    public async Task Statistics_count_the_hour_that_a_run_ended_in_and_what_waits()
    {
        var clock = new FakeClock();
        await using var host = await ApiHost.StartAsync(clock);
        await host.AddJobAsync("tidy");
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited, status, started_at, finished_at, duration_ms, error)
            SELECT jobplatform.uuid_v7(), 1, 1, 'api', t.at, 'default', 5, true, t.status, CASE WHEN t.status <> 'queued' THEN t.at + interval '100 ms' END,
                   CASE WHEN t.status <> 'queued' THEN t.at + interval '1 second' END, CASE WHEN t.status <> 'queued' THEN t.ms END, CASE WHEN t.status = 'failed' THEN '{}'::jsonb END
              FROM (VALUES ('2026-03-02 11:30Z'::timestamptz, 'success', 100), ('2026-03-02 11:40Z', 'success', 300), ('2026-03-02 11:50Z', 'failed', 200),
                           ('2026-02-01 11:50Z', 'failed', 200), ('2026-03-02 11:50Z', 'queued', 0), ('2026-03-02 13:00Z', 'queued', 0)) AS t(at, status, ms)
            """);

        var figures = await host.GetAsync("/api/statistics");

        var hours = figures.GetProperty("hours").EnumerateArray().ToList();
        var hour = hours.Single(hour => hour.GetProperty("hour").GetDateTimeOffset() == clock.GetUtcNow().AddHours(-1));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(hours, Has.Count.EqualTo(24));
            Assert.That(hours.Sum(other => other.GetProperty("failed").GetInt32()), Is.EqualTo(1));
            Assert.That(hour.GetProperty("success").GetInt32(), Is.EqualTo(2));
            Assert.That(hour.GetProperty("run_ms_p50").GetDouble(), Is.EqualTo(200));
            Assert.That(hour.GetProperty("wait_ms_p95").GetDouble(), Is.EqualTo(100).Within(0.001));
            Assert.That(figures.GetProperty("waiting").GetProperty("count").GetInt32(), Is.EqualTo(2));
            Assert.That(figures.GetProperty("overdue").GetProperty("count").GetInt32(), Is.EqualTo(1));
            Assert.That(figures.GetProperty("workers_alive").GetInt32(), Is.Zero);
        }

        // An hour that is over is kept for another hour.
        clock.Advance(TimeSpan.FromMinutes(2));
        await host.GetAsync("/api/statistics");
        await host.Database.ExecuteAsync("DELETE FROM jobplatform.job_runs");
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.That((await host.GetAsync("/api/statistics")).GetProperty("hours").EnumerateArray().Sum(other => other.GetProperty("success").GetInt32()), Is.EqualTo(2));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That((await host.GetAsync("/api/statistics")).GetProperty("hours").EnumerateArray().Sum(other => other.GetProperty("success").GetInt32()), Is.Zero);
    }
}
