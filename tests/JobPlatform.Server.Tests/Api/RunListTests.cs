using System.Text.Json;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class RunListTests
{
    [TestCase("", 40)]
    [TestCase("job=tidy", 30)]
    [TestCase("status=failed", 10)]
    [TestCase("job=tidy&status=failed", 10)]
    [TestCase("status=queued", 30)]
    [TestCase("trigger=manual", 10)]
    [TestCase("from=2100-01-01T00:00:00Z", 0)]
    [TestCase("to=2100-01-01T00:00:00Z", 40)]
    [TestCase("from=2026-01-01T00:00:00%2B01:00&to=2026-01-02T00:00:00Z", 0)]
    public async Task Runs_are_filtered_page_by_page_the_newest_first(string query, int count)
    {
        await using var host = await StartAsync();

        var runs = await host.ListAsync($"/api/runs?{query}", 7);

        Assert.That(runs, Has.Count.EqualTo(count));
        Assert.That(runs.Select(run => run.GetProperty("id").GetString()), Is.Ordered.Descending.And.Unique);
    }

    [TestCase("job=nowhere", 404, "job-not-found")]
    [TestCase("status=broken", 422, "invalid-request")]
    [TestCase("from=2026-01-01", 422, "invalid-request")]
    [TestCase("to=0001-01-01T00:00:00Z", 422, "invalid-request")]
    [TestCase("retry_of=x", 422, "invalid-request")]
    public async Task A_filter_that_can_fit_nothing_is_refused_and_is_no_empty_list(string query, int status, string problem)
    {
        await using var host = await StartAsync();

        await (await host.Client.GetAsync($"/api/runs?{query}")).ShouldBeProblemAsync(status, problem);
    }

    [Test]
    public async Task A_long_output_is_a_note_in_the_list_and_whole_in_the_run()
    {
        await using var host = await StartAsync();
        await host.Database.ExecuteAsync(
            "UPDATE jobplatform.job_runs SET error = jsonb_build_object('type', 'x', 'message', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 500) n)) WHERE status = 'failed'");

        var run = (await host.ListAsync("/api/runs?status=failed", 50))[0];

        Assert.That(run.GetProperty("error").Names(), Is.EqualTo("note"));
        Assert.That((await host.GetAsync($"/api/runs/{run.GetProperty("id")}")).GetProperty("error").GetProperty("message").GetString(), Has.Length.EqualTo(16_000));
    }

    [Test]
    public async Task An_ended_run_is_retried_with_its_payload_or_another_and_is_named_by_the_new_one()
    {
        await using var host = await StartAsync();
        var failed = (await host.ListAsync("/api/runs?status=failed", 50))[0].GetProperty("id").GetString();

        var same = (await (await host.SendAsync("POST", $"/api/runs/{failed}/retry")).ReadAsync()).GetProperty("run_id");
        var edited = (await (await host.SendAsync("POST", $"/api/runs/{failed}/retry", """{"payload": {"message": "again"}}""")).ReadAsync()).GetProperty("run_id");

        var retries = await host.ListAsync($"/api/runs?retry_of={failed}", 50);
        Assert.That(retries.Select(run => $"{run.GetProperty("id")} {run.GetProperty("trigger")} {run.GetProperty("payload").GetProperty("message")}"),
            Is.EqualTo((string[])[$"{edited} retry again", $"{same} retry first"]));
        await (await host.SendAsync("POST", $"/api/runs/{same}/retry")).ShouldBeProblemAsync(409, "run-not-ended");
        await (await host.SendAsync("POST", $"/api/runs/{Guid.Empty}/retry")).ShouldBeProblemAsync(404, "run-not-found");
    }

    [Test]
    public async Task A_waiting_run_is_canceled_and_one_that_has_ended_is_not()
    {
        await using var host = await StartAsync();
        var queued = (await host.ListAsync("/api/runs?status=queued", 50))[0].GetProperty("id").GetString();

        var canceled = await host.SendAsync("POST", $"/api/runs/{queued}/cancel");

        Assert.That((await canceled.ReadAsync()).GetProperty("status").GetString(), Is.EqualTo("canceled"));
        await (await host.SendAsync("POST", $"/api/runs/{queued}/cancel")).ShouldBeProblemAsync(409, "run-ended");
        await (await host.SendAsync("POST", $"/api/runs/{Guid.Empty}/cancel")).ShouldBeProblemAsync(404, "run-not-found");
        Assert.That(await host.Database.ScalarAsync<int>("SELECT sum(canceled_count)::int FROM jobplatform.job_statistics"), Is.EqualTo(1));
    }

    [TestCase("cancel", """{"job": "tidy", "status": "queued"}""", 20, "SELECT count(*)::int FROM jobplatform.job_runs WHERE status = 'canceled'")]
    [TestCase("cancel", "{}", 30, "SELECT sum(canceled_count)::int FROM jobplatform.job_statistics")]
    [TestCase("retry", """{"status": "failed"}""", 10, "SELECT count(*)::int FROM jobplatform.job_runs WHERE trigger = 'retry'")]
    [TestCase("delete", """{"job": "tidy"}""", 10, "SELECT 40 - count(*)::int FROM jobplatform.job_runs")]
    public async Task Many_runs_are_changed_after_they_were_counted(string verb, string filter, int count, string effect)
    {
        await using var host = await StartAsync();

        var offer = (await (await host.SendAsync("POST", $"/api/runs/{verb}", filter)).ReadAsync()).GetProperty("offer");
        Assert.That(offer.GetProperty("count").GetInt32(), Is.EqualTo(count));
        var before = await host.Database.ScalarAsync<int?>(effect);
        var result = await ConfirmAsync(host, verb, filter, offer);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before ?? 0, Is.Zero);
            Assert.That(result.GetProperty("result").GetProperty("done").GetInt32(), Is.EqualTo(count), result.GetRawText());
            Assert.That(await host.Database.ScalarAsync<int>(effect), Is.EqualTo(count));
            Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.admin_logs WHERE action LIKE 'run.%'"), Is.Positive);
        }
    }

    [Test]
    public async Task A_confirmation_that_comes_twice_starts_no_run_again()
    {
        await using var host = await StartAsync();
        const string filter = """{"status": "failed"}""";
        var offer = (await (await host.SendAsync("POST", "/api/runs/retry", filter)).ReadAsync()).GetProperty("offer");

        await ConfirmAsync(host, "retry", filter, offer);
        var again = await ConfirmAsync(host, "retry", filter, offer);

        Assert.That(again.GetProperty("result").GetProperty("done").GetInt32(), Is.Zero);
        Assert.That(await host.Database.ScalarAsync<int>("SELECT count(*)::int FROM jobplatform.job_runs WHERE trigger = 'retry'"), Is.EqualTo(10));
    }

    [Test]
    public async Task What_was_given_out_confirms_its_own_filter_action_and_caller_only()
    {
        await using var host = await StartAsync();
        const string filter = """{"status": "failed"}""";
        var offer = (await (await host.SendAsync("POST", "/api/runs/delete", filter)).ReadAsync()).GetProperty("offer");

        foreach (var (verb, other) in new[] { ("delete", "{}"), ("delete", """{"status": "success"}"""), ("retry", filter) })
            Assert.That((await ConfirmAsync(host, verb, other, offer)).GetProperty("type").GetString(), Does.EndWith("not-confirmed"), $"{verb} {other}");
        Assert.That(await host.Database.ScalarAsync<int>("SELECT count(*)::int FROM jobplatform.job_runs"), Is.EqualTo(40));
    }

    [Test]
    public async Task What_came_after_the_count_is_left_alone()
    {
        await using var host = await StartAsync();
        const string filter = """{"job": "tidy", "status": "queued"}""";
        var offer = (await (await host.SendAsync("POST", "/api/runs/cancel", filter)).ReadAsync()).GetProperty("offer");
        var later = await host.EnqueueAsync("""{"job": "tidy"}""");

        await ConfirmAsync(host, "cancel", filter, offer);

        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(id::text, ' ') FROM jobplatform.job_runs WHERE status = 'queued' AND job_id = (SELECT id FROM jobplatform.jobs WHERE name = 'tidy')"),
            Is.EqualTo($"{later}"));
    }

    [Test]
    public async Task More_than_were_counted_are_not_touched()
    {
        await using var host = await StartAsync();
        const string filter = """{"status": "failed"}""";
        var offer = (await (await host.SendAsync("POST", "/api/runs/delete", filter)).ReadAsync()).GetProperty("offer");
        await host.Database.ExecuteAsync("UPDATE jobplatform.job_runs SET status = 'failed', finished_at = now(), error = '{}' WHERE status = 'queued'");

        var answer = await ConfirmAsync(host, "delete", filter, offer);

        Assert.That(answer.GetProperty("detail").GetString(), Does.Contain("10 runs were counted, and now there are 40"));
    }

    private static async Task<JsonElement> ConfirmAsync(ApiHost host, string verb, string filter, JsonElement offer)
    {
        var confirm = $"\"confirm\": \"{offer.GetProperty("confirm").GetString()}\"";
        return await (await host.SendAsync("POST", $"/api/runs/{verb}", filter == "{}" ? $"{{{confirm}}}" : $"{filter[..^1]}, {confirm}}}")).ReadAsync();
    }

    // Of the job tidy 20 queued and 10 failed ones, of another 10 that somebody started.
    private static async Task<ApiHost> StartAsync()
    {
        var host = await ApiHost.StartAsync(settings: "TRIGGERS_PER_MINUTE=10000");
        await host.AddJobAsync("tidy");
        await host.AddJobAsync("other");
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited, status, finished_at, error, payload)
            SELECT jobplatform.uuid_v7(), j.id, 1, CASE j.name WHEN 'other' THEN 'manual' ELSE 'api' END, now(), 'default', 5, n % 2 = 0,
                   CASE WHEN n > 20 THEN 'failed' ELSE 'queued' END, CASE WHEN n > 20 THEN now() END, CASE WHEN n > 20 THEN '{"type": "x", "message": "no"}'::jsonb END,
                   '{"message": "first"}'
              FROM jobplatform.jobs j, generate_series(1, 30) AS n WHERE j.name = 'tidy' OR n <= 10;
            SELECT pg_sleep(0.01);
            """);
        return host;
    }
}
