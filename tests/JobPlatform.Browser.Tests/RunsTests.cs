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
