using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

public sealed class RunsTests : PageTests
{
    [Test]
    public async Task Runs_are_found_by_job_state_trigger_and_text()
    {
        var job = await AddJobAsync("found", "breaks", "max_attempts = 1");
        await RunAsync(job);
        await Page.GotoAsync($"/admin/runs?q=job%3A{job}");
        await Expect(Page.GetByText("1 run, the newest first.")).ToBeVisibleAsync();

        await Link("Failed").ClickAsync();
        await Expect(Page.Locator("#q")).ToHaveValueAsync($"status:failed job:{job}");
        await Expect(Row(job)).ToContainTextAsync("the needle broke");

        await Page.GotoAsync($"/admin/runs?q=job%3A{job}+trigger%3Acron");
        await Expect(Page.GetByText("No run fits.")).ToBeVisibleAsync();
        await Page.GotoAsync($"/admin/runs?q=job%3A{job}+needle");
        await Expect(Page.GetByText("of the last 24 hours")).ToBeVisibleAsync();
        await Expect(Row(job)).ToBeVisibleAsync();
        await Page.GotoAsync($"/admin/runs?q=job%3A{job}+\"no+such+text\"");
        await Expect(Page.GetByText("No run fits.")).ToBeVisibleAsync();
    }

    [Test]
    public async Task All_runs_that_fit_are_canceled_after_a_count()
    {
        var job = await AddJobAsync("bulk-cancel", "talks", "queue = 'that-nobody-serves'");
        await Setup.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited)
            SELECT jobplatform.uuid_v7(), id, version, 'api', now() + interval '1 day', queue, priority, true FROM jobplatform.jobs, generate_series(1, 3) WHERE name = @job
            """, new { job });
        await Page.GotoAsync($"/admin/runs?q=job%3A{job}");
        await Button("Cancel …").ClickAsync();
        await Button("Cancel 3 runs").ClickAsync();

        await Expect(Page.GetByText("3 runs canceled.")).ToBeVisibleAsync();
        await Expect(Page.Locator("[data-row]").Filter(new() { HasText = "canceled" })).ToHaveCountAsync(3);
    }

    [Test]
    public async Task A_search_that_has_gone_through_many_runs_says_so_and_goes_on()
    {
        var job = await AddJobAsync("many", "talks", "overlap_policy = 'allow'");
        await Setup.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, created_at, run_at, started_at, finished_at, fence, attempt, queue, priority, limited, status, worker, output)
            SELECT (substr(jobplatform.uuid_v7_floor(at)::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid, j.id, 1, 'api', at, at, at, at, 1, 1, 'default', 5, false, 'success', 'w',
                   jsonb_build_object('note', CASE WHEN n = 1 THEN 'the only needle' ELSE 'hay' END)
              FROM jobplatform.jobs j, generate_series(1, 50500) n, LATERAL (SELECT now() - interval '20 hours' + n * interval '1 second' AS at) t WHERE j.name = @job
            """, new { job });
        await Page.GotoAsync($"/admin/runs?q=job%3A{job}+%22the+only+needle%22");
        await Expect(Page.GetByText("The newest 50,000 runs before this place are gone through.")).ToBeVisibleAsync();
        await Link("Look further back").ClickAsync();

        await Expect(Row(job)).ToHaveCountAsync(1);
    }

    [Test]
    public async Task All_runs_that_fit_are_retried_after_a_count()
    {
        var job = await AddJobAsync("bulk", "breaks", "max_attempts = 1", "overlap_policy = 'allow'");
        await RunAsync(job);
        await RunAsync(job);
        await Setup.Database.ExecuteAsync("UPDATE jobplatform.jobs SET handler = 'talks' WHERE name = @job", new { job });
        await Page.GotoAsync($"/admin/runs?q=job%3A{job}");

        await Button("Retry …").ClickAsync();
        await Button("Retry 2 runs").ClickAsync();

        await Expect(Page.GetByText("2 runs retried.")).ToBeVisibleAsync();
        await Expect(Page.Locator("[data-row]").Filter(new() { HasText = "success" })).ToHaveCountAsync(2, new() { Timeout = 60_000 });
    }

    [Test]
    public async Task Deleting_all_that_fit_asks_for_the_password_and_then_counts_and_does_it()
    {
        Expected.Add("403");
        var job = await AddJobAsync("deleted", "talks");
        await RunAsync(job);
        await OpenAsync(Setup.LaterHost);
        await Page.GotoAsync($"/admin/runs?q=job%3A{job}");

        await Button("Delete …").ClickAsync();
        await Page.GetByLabel("Password").FillAsync(Setup.Password);
        await Button("Confirm and go on").ClickAsync();
        await Button("Delete 1 run").ClickAsync();

        await Expect(Page.GetByText("1 run deleted.")).ToBeVisibleAsync();
        await Expect(Page.GetByText("No run fits.")).ToBeVisibleAsync();
    }
}
