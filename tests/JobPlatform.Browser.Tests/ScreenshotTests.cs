using JobPlatform.Core.Schedules;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

/// <summary>
/// The pictures of the README, made anew by <c>SCREENSHOTS=docs/screenshots dotnet test tests/JobPlatform.Browser.Tests --filter
/// ScreenshotTests</c>, on a day's worth of rows that look like a real installation's.
/// </summary>
public sealed class ScreenshotTests : PageTests
{
    private const string Jobs =
        """
        INSERT INTO jobplatform.jobs (name, handler, description, cron_expression, time_zone)
        VALUES ('sync-stripe', 'talks', 'Reconciles every subscription with Stripe.', '0 */4 * * *', 'UTC'),
               ('cleanup-sessions', 'cleanup-sessions', 'Deletes chat sessions whose last activity is long ago.', '0 2 * * *', 'Europe/Berlin'),
               ('purge-logs', 'purge-logs', 'Deletes old log rows and ended runs.', '0 4 * * *', 'UTC'),
               ('generate-analytics', 'talks', 'One row a day: revenue, users, tokens.', '0 1 * * *', 'UTC'),
               ('crm-sync', 'talks', 'Tells the CRM what changed.', '15 * * * *', 'UTC'),
               ('weekly-report', 'talks', 'Mails the week to the team.', '0 8 * * MON', 'Europe/Berlin')
        """;

    // Some 40 an hour; more by day than by night, and one job that sometimes fails.
    private const string Runs =
        """
        INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, triggered_by, created_at, run_at, started_at, finished_at, duration_ms, fence, attempt,
                                          queue, priority, limited, status, skip_reason, worker, output, error)
        SELECT (substr(jobplatform.uuid_v7_floor(at)::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid, j.id, 1, 'api', 'client:shop', at, at, at + interval '12 ms', at + took * interval '1 ms', took, 1, 1,
               'default', 5, true, status, CASE status WHEN 'skipped' THEN 'overlap' END, 'web-1',
               CASE status WHEN 'success' THEN jsonb_build_object('checked', 400 + n, 'updated', n % 7) END,
               CASE status WHEN 'failed' THEN jsonb_build_object('type', 'HttpRequestException', 'attempt', 1, 'message',
                   CASE s.name WHEN 'crm-sync' THEN 'The CRM answered 503 Service Unavailable three times.' ELSE 'Stripe asks to come less often (429).' END) END
          FROM generate_series(1, 1000) n
         CROSS JOIN LATERAL (SELECT now() - interval '24 hours' * (n / 1000.0) AS at, 200 + (n * 7919 % 900) + CASE WHEN n % 13 = 0 THEN 1500 ELSE 0 END AS took) t
         CROSS JOIN LATERAL (SELECT (ARRAY['sync-stripe', 'cleanup-sessions', 'purge-logs', 'generate-analytics', 'crm-sync'])[1 + n % 5] AS name,
                                    CASE WHEN n % 75 IN (4, 35) THEN 'failed' WHEN n % 131 = 0 THEN 'skipped' ELSE 'success' END AS status) s
          JOIN jobplatform.jobs j ON j.name = s.name
         WHERE sin(extract(epoch FROM at) / 86400 * 2 * pi()) > (n * 31 % 100) / 70.0 - 1;
        INSERT INTO jobplatform.job_statistics (job_id, success_count, failed_count, last_run_id, last_status, last_finished_at, last_duration_ms)
        SELECT j.id, f.good, f.bad, r.id, r.status, r.finished_at, r.duration_ms FROM jobplatform.jobs j
         CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE status = 'success') AS good, count(*) FILTER (WHERE status = 'failed') AS bad FROM jobplatform.job_runs WHERE job_id = j.id) f
         CROSS JOIN LATERAL (SELECT * FROM jobplatform.job_runs WHERE job_id = j.id ORDER BY id DESC LIMIT 1) r
            ON CONFLICT (job_id) DO NOTHING
        """;

    [Test]
    public async Task Pictures_of_the_pages()
    {
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is not { Length: > 0 } folder)
        {
            Assert.Pass("SCREENSHOTS names no folder, so none are made.");
            return;
        }
        var target = Directory.CreateDirectory(Path.Combine(TestCluster.RepositoryRoot, folder)).FullName;
        await Setup.Database.ExecuteAsync(Jobs);
        await Setup.Database.ExecuteAsync(Runs);
        await Setup.Database.ExecuteAsync("UPDATE jobplatform.jobs SET config = '{\"channel\": \"pictures\", \"total\": 8}' WHERE name = 'sync-stripe'");
        var run = await RunAsync("sync-stripe", waits: false);
        foreach (var text in new[] { "page 1: 100 subscriptions", "page 2: 100 subscriptions", "sub_1QxT updated: past_due to active", "page 3: 100 subscriptions", "page 4: 86 subscriptions" })
            await Talks.To("pictures").WriteAsync(text);

        // The other one has read the hours before these rows were there.
        await using var fresh = await AdminHost.StartAsync(Setup.Database, TimeProvider.System, runsJobs: false);
        await OpenAsync(fresh);
        await Page.GotoAsync($"/admin/runs/{run}");
        await Expect(Page.Locator("#log li")).ToHaveCountAsync(5, new() { Timeout = 60_000 });
        await Expect(Page.Locator("#run .progress")).ToContainTextAsync("5 of 8", new() { Timeout = 60_000 });
        await TakeAsync("run");
        await Page.GotoAsync("/admin");
        await Expect(Page.Locator("#running")).ToContainTextAsync("5 of 8");
        await TakeAsync("overview");
        await Page.GotoAsync("/admin/jobs/crm-sync");
        await TakeAsync("job");
        await Page.GotoAsync("/admin/jobs");
        await TakeAsync("jobs");
        await Page.GotoAsync("/admin/jobs/cleanup-sessions/edit");
        await TakeAsync("edit");
        await fresh.Services.GetRequiredService<ScheduleSync>().ReconcileAsync();
        await Page.GotoAsync("/admin/schedules");
        await TakeAsync("schedules");
        await Page.GotoAsync("/admin/emails/previews/license-3-days/de");
        await TakeAsync("mail");
        await OpenAsync(fresh, new() { ColorScheme = ColorScheme.Dark });
        await Page.GotoAsync("/admin");
        await TakeAsync("dark");
        await OpenAsync(fresh, new() { ViewportSize = new() { Width = 390, Height = 844 } });
        await Page.GotoAsync("/admin");
        await TakeAsync("phone");
        Talks.To("pictures").Complete();
        await WaitForEndAsync(run);

        Task TakeAsync(string name) => Page.ScreenshotAsync(new() { Path = Path.Combine(target, $"{name}.png"), Animations = ScreenshotAnimations.Disabled });
    }
}
