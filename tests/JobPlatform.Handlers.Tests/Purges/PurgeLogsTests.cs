using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Logs;

namespace JobPlatform.Handlers.Tests.Purges;

public sealed class PurgeLogsTests
{
    // Each table has three rows past the cutoff and two before it; one run has not ended.
    private const string Rows =
        """
        INSERT INTO jobplatform.admin_logs (actor, action, created_at)
        SELECT 'a', 'b', now() - days * interval '1 day' FROM unnest(ARRAY[91, 92, 93, 1, 89]) days;
        INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, created_at, started_at, finished_at, status, queue, priority, limited)
        SELECT gen_random_uuid(), 1, 1, 'api', now(), now() - days * interval '1 day', now() - days * interval '1 day', now() - days * interval '1 day',
               'success', 'default', 5, false FROM unnest(ARRAY[91, 92, 93, 1, 89]) days;
        INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, created_at, queue, priority, limited)
        VALUES (gen_random_uuid(), 1, 1, 'api', now() + interval '1 year', now() - interval '200 days', 'default', 5, false);
        """;

    private const string AiRequests =
        """
        CREATE TABLE public.ai_requests (id bigint PRIMARY KEY, created_at timestamptz NOT NULL);
        INSERT INTO public.ai_requests SELECT days, now() - days * interval '1 day' FROM unnest(ARRAY[91, 92, 93, 1, 89]) days;
        """;

    [TestCase("{}", "3 3 3", 2, 2, 3)]
    [TestCase("""{"batch_size": 1}""", "3 3 3", 2, 2, 3)]
    [TestCase("""{"dry_run": true}""", "3 3 3", 5, 5, 6)]
    [TestCase("""{"max_rows": 4}""", "3 1 0", 2, 4, 6)]
    public async Task What_is_older_goes_and_what_is_younger_or_has_not_ended_stays(string payload, string counts, int adminLogs, int aiRequests, int runs)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(Rows + AiRequests);

        var output = (await RunAsync(database, payload)).Output!.Value;

        if (output.TryGetProperty("would_delete", out var would)) output = would;
        Assert.That($"{output.GetProperty("admin_logs")} {output.GetProperty("ai_requests")} {output.GetProperty("job_runs")}", Is.EqualTo(counts));
        // Beside them the purge's own run.
        Assert.That(await database.ScalarAsync<string>(
            """
            SELECT concat_ws(' ', (SELECT count(*) FROM jobplatform.admin_logs), (SELECT count(*) FROM public.ai_requests),
                             (SELECT count(*) FROM jobplatform.job_runs WHERE payload IS NULL))
            """), Is.EqualTo($"{adminLogs} {aiRequests} {runs}"));
    }

    [Test]
    public async Task Without_ai_requests_the_platforms_own_history_is_purged_all_the_same_and_the_log_says_so()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(Rows);

        var run = await RunAsync(database, "{}");

        Assert.That(run.Status, Is.EqualTo(RunStatus.Success), $"{run.Error}");
        Assert.That(await database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_run_logs WHERE message LIKE '%no table public.ai_requests%'"), Is.EqualTo(1));
        Assert.That(await database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.admin_logs"), Is.EqualTo(2));
    }

    [Test]
    public async Task Ended_mails_alerts_silences_and_superseded_versions_go_and_what_is_open_or_in_force_stays()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("old", "nothing");
        await database.ExecuteAsync(
            """
            UPDATE jobplatform.jobs SET priority = 6; UPDATE jobplatform.jobs SET priority = 7;
            UPDATE jobplatform.job_versions SET changed_at = now() - interval '1 year';
            INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, status, sent_at, last_error, updated_at)
            SELECT 'a@example.com', status, 'b', status, CASE status WHEN 'sent' THEN now() END, 'e', now() - days * interval '1 day'
              FROM unnest(ARRAY['sent', 'failed', 'canceled', 'pending']) status, unnest(ARRAY[89, 91]) days;
            INSERT INTO jobplatform.alerts (key, kind, title, message, opened_at, closed_at)
            SELECT 'k' || coalesce(days, 0), 'mail_stuck', 't', 'm', now() - interval '1 year', now() - days * interval '1 day' FROM unnest(ARRAY[89, 91, NULL]) days;
            INSERT INTO jobplatform.alert_silences (starts_at, ends_at) SELECT '2020-01-01Z', now() - days * interval '1 day' FROM unnest(ARRAY[89, 91]) days;
            INSERT INTO jobplatform.alert_silences (cron_expression, minutes, created_at) VALUES ('@daily', 5, '2020-01-01Z');
            """);

        var output = (await RunAsync(database, "{}")).Output!.Value;

        Assert.That(string.Join(' ', ((string[])["pending_emails", "alerts", "alert_silences", "job_versions"]).Select(table => output.GetProperty(table))), Is.EqualTo("3 1 1 2"));
        Assert.That(await database.ScalarAsync<string>(
            """
            SELECT concat_ws(' ', (SELECT count(*) FROM jobplatform.pending_emails), (SELECT count(*) FROM jobplatform.alerts), (SELECT count(*) FROM jobplatform.alert_silences),
                             (SELECT max(version) FROM jobplatform.job_versions WHERE job_id = 1))
            """), Is.EqualTo("5 2 2 3"));
    }

    private static async Task<RunDetails> RunAsync(TestDatabase database, string payload)
    {
        await database.AddJobAsync("purge", "purge-logs");
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, handlers: typeof(PurgeLogs).Assembly);
        return await platform.WaitForEndAsync(await platform.EnqueueAsync("purge", System.Text.Json.JsonElement.Parse(payload)));
    }
}
