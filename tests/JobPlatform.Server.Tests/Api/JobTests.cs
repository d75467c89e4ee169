using System.Text.Json;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class JobTests
{
    private const string Draft = """{"name": "tidy", "handler": "cleanup-sessions", "cron_expression": "0 2 * * *", "config": {"days_to_keep": 7}}""";

    [Test]
    public async Task A_job_is_made_read_changed_brought_back_and_deleted()
    {
        await using var host = await ApiHost.StartAsync();

        var made = await host.SendAsync("POST", "/api/jobs", Draft);
        Assert.That((int)made.StatusCode, Is.EqualTo(201), await made.Content.ReadAsStringAsync());
        Assert.That(made.Headers.Location?.OriginalString, Is.EqualTo("/api/jobs/tidy"));
        Assert.That(made.Headers.ETag?.Tag, Is.EqualTo("\"1\""));
        var job = await host.GetAsync("/api/jobs/tidy");
        Assert.That(job.GetProperty("timeout_seconds").GetInt32(), Is.EqualTo(300));

        var changed = await host.SendAsync("PATCH", "/api/jobs/tidy", """{"priority": 1, "config": {"days_to_keep": 9}}""", "\"1\"");
        Assert.That(changed.Headers.ETag?.Tag, Is.EqualTo("\"2\""), await changed.Content.ReadAsStringAsync());
        var restored = await (await host.SendAsync("POST", "/api/jobs/tidy/versions/1/restore", ifMatch: "\"2\"")).ReadAsync();
        var versions = await host.ListAsync("/api/jobs/tidy/versions", 2);
        var deleted = await host.SendAsync("DELETE", "/api/jobs/tidy", ifMatch: "*");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(restored.GetProperty("version").GetInt32(), Is.EqualTo(3));
            Assert.That(restored.GetProperty("priority").GetInt32(), Is.EqualTo(5));
            Assert.That(restored.GetProperty("config").GetProperty("days_to_keep").GetInt32(), Is.EqualTo(7));
            Assert.That(versions.Select(version => $"{version.GetProperty("version")} {version.GetProperty("changed_by")} {version.GetProperty("definition").GetProperty("priority")}"),
                Is.EqualTo((string[])["3 operator 5", "2 operator 1", "1 operator 5"]));
            Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
            Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(action || ' ' || subject, ', ' ORDER BY id) FROM jobplatform.admin_logs"),
                Is.EqualTo("job.created tidy, job.updated tidy, job.restored tidy, job.deleted tidy"));
            Assert.That(await host.Database.ScalarAsync<string>("SELECT details::text FROM jobplatform.admin_logs WHERE action = 'job.updated'"),
                Is.EqualTo("""{"after": {"config": {"days_to_keep": 9}, "priority": 1}, "before": {"config": {"days_to_keep": 7}, "priority": 5}}"""));
        }
        await (await host.Client.GetAsync("/api/jobs/tidy")).ShouldBeProblemAsync(404, "job-not-found");
    }

    [Test]
    public async Task A_change_names_the_version_that_was_seen()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", "/api/jobs", Draft);

        await (await host.SendAsync("PATCH", "/api/jobs/tidy", """{"priority": 1}""")).ShouldBeProblemAsync(428, "version-required");
        await (await host.SendAsync("PATCH", "/api/jobs/tidy", """{"priority": 1}""", "\"2\"")).ShouldBeProblemAsync(412, "version-changed");
        await (await host.SendAsync("PATCH", "/api/jobs/tidy", """{"priority": 1}""", "W/\"1\"")).ShouldBeProblemAsync(412, "version-changed");
        await (await host.SendAsync("DELETE", "/api/jobs/tidy", ifMatch: "\"2\"")).ShouldBeProblemAsync(412, "version-changed");
        await (await host.SendAsync("POST", "/api/jobs/tidy/versions/9/restore", ifMatch: "*")).ShouldBeProblemAsync(404, "version-not-found");
        await (await host.SendAsync("POST", "/api/jobs", Draft)).ShouldBeProblemAsync(409, "job-exists");

        Assert.That((await host.GetAsync("/api/jobs/tidy")).GetProperty("version").GetInt32(), Is.EqualTo(1));
        var unchanged = new HttpRequestMessage(HttpMethod.Get, "/api/jobs/tidy") { Headers = { { "If-None-Match", "\"1\"" } } };
        Assert.That((int)(await host.Client.SendAsync(unchanged)).StatusCode, Is.EqualTo(304));
    }

    [Test]
    public async Task Of_many_changes_of_one_version_at_once_one_is_made()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", "/api/jobs", Draft);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(number =>
            host.SendAsync("PATCH", "/api/jobs/tidy", $$"""{"description": "change {{number}}"}""", "\"1\"")));

        Assert.That(answers.Count(answer => (int)answer.StatusCode == 200), Is.EqualTo(1));
        Assert.That(answers.Count(answer => (int)answer.StatusCode == 412), Is.EqualTo(7));
    }

    [TestCase("""{"handler": "cleanup-sessions"}""", "name")]
    [TestCase("""{"name": "Tidy Up", "handler": "cleanup-sessions", "priority": 10, "colour": "red"}""", "priority, name, colour")]
    [TestCase("""{"name": "tidy", "handler": "cleanup-session"}""", "handler")]
    [TestCase("""{"name": "tidy", "handler": "cleanup-sessions", "cron_expression": "61 * * * *", "time_zone": "Mars/Olympus", "retry_delays": "soon"}""", "cron_expression, retry_delays, time_zone")]
    [TestCase("""{"name": "tidy", "handler": "cleanup-sessions", "config": {"days_to_keep": 0, "oops": 1}}""", "config.days_to_keep, config.oops")]
    [TestCase("""{"name": "tidy", "handler": "cleanup-sessions", "config": []}""", "config")]
    [TestCase("""{"name": "tidy", "handler": "cleanup-sessions", "ping_url": "http://169.254.169.254/"}""", "ping_url")]
    [TestCase("""{"name": "tidy", "handler": "cleanup-sessions", "timeout_seconds": null}""", "timeout_seconds")]
    public async Task A_definition_is_refused_with_all_its_faults(string draft, string fields)
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.SendAsync("POST", "/api/jobs", draft)).ShouldBeProblemAsync(422, "invalid-request");
        var preview = await (await host.SendAsync("POST", "/api/jobs/preview", draft)).ReadAsync();

        Assert.That(problem.Fields().Split(", ").Order(), Is.EqualTo(fields.Split(", ").Order()), problem.GetProperty("detail").GetString());
        Assert.That(preview.GetProperty("faults").GetArrayLength(), Is.EqualTo(fields.Split(", ").Length));
        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.jobs"), Is.Zero);
    }

    [Test]
    public async Task A_preview_says_when_the_job_would_be_due_and_what_would_keep_it_from_running()
    {
        await using var host = await ApiHost.StartAsync(new FakeClock());

        var preview = await (await host.SendAsync("POST", "/api/jobs/preview", Draft)).ReadAsync();

        Assert.That(preview.GetProperty("faults").GetArrayLength(), Is.Zero);
        Assert.That(preview.GetProperty("description").GetString(), Is.EqualTo("at 02:00 every day"));
        Assert.That(preview.GetProperty("next_due_times")[0].GetDateTimeOffset(), Is.EqualTo(new DateTimeOffset(2026, 3, 3, 2, 0, 0, TimeSpan.Zero)));
        Assert.That(preview.GetProperty("warnings")[0].GetString(), Does.Contain("public.chat_sessions"));
    }

    [Test]
    public async Task A_config_that_is_as_deep_as_a_request_may_be_is_kept_and_audited()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync("INSERT INTO jobplatform.job_handlers (key, url) VALUES ('hook', 'https://hooks.example.com/')");
        var config = $$"""{"a": {{new string('[', 29)}}{{new string(']', 29)}}}""";

        var made = await host.SendAsync("POST", "/api/jobs", $$"""{"name": "deep", "handler": "hook", "config": {{config}}}""");
        Assert.That((int)made.StatusCode, Is.EqualTo(201), await made.Content.ReadAsStringAsync());
        await host.Database.ExecuteAsync("UPDATE jobplatform.jobs SET config = jsonb_build_object('a', (repeat('[', 60) || repeat(']', 60))::jsonb)");
        var changed = await host.SendAsync("PATCH", "/api/jobs/deep", """{"priority": 2}""", "*");

        Assert.That((int)changed.StatusCode, Is.EqualTo(200), await changed.Content.ReadAsStringAsync());
    }

    [Test]
    public async Task Enabling_and_disabling_is_audited_once_for_each_change()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");

        foreach (var verb in (string[])["disable", "disable", "enable"]) Assert.That((int)(await host.SendAsync("POST", $"/api/jobs/tidy/{verb}")).StatusCode, Is.EqualTo(200));

        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(action, ' ' ORDER BY id) FROM jobplatform.admin_logs"), Is.EqualTo("job.disabled job.enabled"));
    }

    [TestCase("", "a b c d e")]
    [TestCase("search=FOUND", "b d")]
    [TestCase("enabled=false", "c")]
    [TestCase("handler=other", "e")]
    [TestCase("status=failed", "a b")]
    [TestCase("sort=next_due", "d b a c e")]
    [TestCase("sort=last_run", "b a c d e")]
    public async Task Jobs_are_found_filtered_and_sorted_page_by_page(string query, string names)
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.jobs (name, handler, description, is_enabled)
            VALUES ('a', 'x', '', true), ('b', 'x', 'To be found', true), ('c', 'x', '', false), ('d', 'x', 'foundling', true), ('e', 'other', '', true);
            INSERT INTO jobplatform.schedules (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
            SELECT id, name, 1, '@daily', 'UTC', 'one', '2030-01-01Z'::timestamptz + CASE name WHEN 'd' THEN 1 WHEN 'b' THEN 2 ELSE 3 END * interval '1 day'
              FROM jobplatform.jobs WHERE name IN ('a', 'b', 'd');
            INSERT INTO jobplatform.job_statistics (job_id, last_status, last_finished_at)
            SELECT id, CASE name WHEN 'c' THEN 'success' ELSE 'failed' END, '2026-01-01Z'::timestamptz + CASE name WHEN 'b' THEN 3 WHEN 'a' THEN 2 ELSE 1 END * interval '1 day'
              FROM jobplatform.jobs WHERE name IN ('a', 'b', 'c');
            """);

        foreach (var limit in (int[])[1, 2, 50])
            Assert.That(string.Join(' ', (await host.ListAsync($"/api/jobs?{query}", limit)).Select(job => job.GetProperty("name"))), Is.EqualTo(names), $"pages of {limit}");
    }

    [TestCase("sort=colour", "sort")]
    [TestCase("enabled=yes&limit=0", "enabled, limit")]
    [TestCase("cursor=%21", "cursor")]
    [TestCase("cursor=TmFtZQ", "cursor")]
    [TestCase("serach=x", "serach")]
    [TestCase("search=%00", "search")]
    public async Task A_query_that_cannot_be_meant_is_refused(string query, string fields)
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.Client.GetAsync($"/api/jobs?{query}")).ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo(fields));
    }

    [Test]
    public async Task A_job_runs_by_its_address_with_and_without_a_body()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");

        var plain = await host.SendAsync("POST", "/api/jobs/tidy/run");
        var full = await host.SendAsync("POST", "/api/jobs/tidy/run", """{"payload": {"message": "hi"}}""");

        Assert.That((int)plain.StatusCode, Is.EqualTo(202), await plain.Content.ReadAsStringAsync());
        Assert.That((int)full.StatusCode, Is.EqualTo(202), await full.Content.ReadAsStringAsync());
        var problem = await (await host.SendAsync("POST", "/api/jobs/tidy/run", """{"job": "other"}""")).ShouldBeProblemAsync(422, "invalid-request");
        Assert.That(problem.Fields(), Is.EqualTo("job"));
    }

    [Test]
    public async Task Ten_thousand_jobs_are_listed_in_every_order_within_a_second()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.jobs (name, handler) SELECT 'job-' || n, 'x' FROM generate_series(1, 10000) AS n;
            INSERT INTO jobplatform.job_statistics (job_id, last_status, last_finished_at) SELECT id, 'success', now() - id * interval '1 second' FROM jobplatform.jobs;
            ANALYZE jobplatform.jobs; ANALYZE jobplatform.job_statistics;
            """);

        foreach (var sort in (string[])["name", "next_due", "last_run"])
        {
            await host.GetAsync($"/api/jobs?sort={sort}");
            var start = TimeProvider.System.GetTimestamp();
            await host.GetAsync($"/api/jobs?sort={sort}&search=job");
            var took = TimeProvider.System.GetElapsedTime(start);
            TestContext.Out.WriteLine($"10,000 jobs by {sort}: {took.TotalMilliseconds:0} ms");
            Assert.That(took, Is.LessThan(TimeSpan.FromSeconds(5)));
        }
    }
}
