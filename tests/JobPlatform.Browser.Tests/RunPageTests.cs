using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

public sealed class RunPageTests : PageTests
{
    [Test]
    public async Task The_log_and_the_progress_arrive_while_it_runs()
    {
        var job = await AddJobAsync("live", "talks", "config = '{\"channel\": \"live\", \"total\": 4}'");
        var run = await RunAsync(job, waits: false);
        await Page.GotoAsync($"/admin/runs/{run}");
        await Expect(Page.Locator("#run")).ToContainTextAsync("running", new() { Timeout = 60_000 });

        await Talks.To("live").WriteAsync("the first thing");
        await Expect(Page.Locator("#log")).ToContainTextAsync("the first thing", new() { Timeout = 60_000 });
        await Expect(Page.Locator("#run .progress")).ToContainTextAsync("1 of 4 (25 %)", new() { Timeout = 60_000 });
        await Talks.To("live").WriteAsync("the second thing");
        await Expect(Page.Locator("#log li")).ToHaveCountAsync(2, new() { Timeout = 60_000 });
        Talks.To("live").Complete();

        await Expect(Page.Locator("#run .state")).ToContainTextAsync("success", new() { Timeout = 60_000 });
        await Expect(Page.GetByRole(AriaRole.Region, new() { Name = "Output" })).ToContainTextAsync("said");
        await Expect(Page.Locator(".timeline")).ToContainTextAsync("attempt 1 began");
        await Expect(Button("Retry")).ToBeVisibleAsync();
    }

    [Test]
    public async Task A_long_log_begins_with_its_last_lines_and_is_read_backwards()
    {
        var run = await RunAsync(await AddJobAsync("long-log"));
        await Setup.Database.ExecuteAsync("DELETE FROM jobplatform.job_run_logs WHERE run_id = @run; INSERT INTO jobplatform.job_run_logs (run_id, attempt, at, level, message) SELECT @run, 1, now(), 'information', 'line ' || n FROM generate_series(1, 305) n", new { run });
        await Page.GotoAsync($"/admin/runs/{run}");
        await Expect(Page.Locator("#log li")).ToHaveCountAsync(300);
        await Expect(Page.Locator("#log li").Last).ToContainTextAsync("line 305");
        await Link("Earlier lines").ClickAsync();
        await Expect(Page.Locator("#log li")).ToHaveCountAsync(5);
        await Expect(Page.Locator("#log li").First).ToContainTextAsync("line 1");
        await Link("The last lines").ClickAsync();

        await Expect(Page.Locator("#log li")).ToHaveCountAsync(300);
    }

    [Test]
    public async Task A_failure_shows_its_type_its_stack_and_each_attempt_and_is_retried_with_another_payload()
    {
        var job = await AddJobAsync("failure", "breaks", "max_attempts = 2, retry_delays = '0'");
        var run = await RunAsync(job);
        await Page.GotoAsync($"/admin/runs/{run}");

        var error = Page.GetByRole(AriaRole.Region, new() { Name = "Error" });
        await Expect(error).ToContainTextAsync("the needle broke");
        await Expect(error).ToContainTextAsync("InvalidOperationException");
        await Expect(error.Locator("pre")).ToContainTextAsync("at JobPlatform.Browser.Tests.Breaks");
        await Expect(Page.Locator(".timeline li").Filter(new() { HasText = "failed after" })).ToHaveCountAsync(2);

        await Setup.Database.ExecuteAsync("UPDATE jobplatform.jobs SET handler = 'talks' WHERE name = @job", new { job });
        await Page.ReloadAsync();
        await Page.GetByText("Run again with another payload").ClickAsync();
        await Page.GetByLabel("Payload, laid over").FillAsync("""{"tone": "loud"}""");
        await Button("Run again").ClickAsync();

        await Expect(Page).Not.ToHaveURLAsync(new System.Text.RegularExpressions.Regex($"{run}"));
        await Expect(Page.GetByRole(AriaRole.Region, new() { Name = "Output" })).ToContainTextAsync("loud", new() { Timeout = 60_000 });
        await Page.GetByText($"{run}").ClickAsync();
        await ComeToAsync($"/admin/runs/{run}");
        await Expect(Page.GetByText("Retried by")).ToBeVisibleAsync();
    }

    [Test]
    public async Task A_running_run_is_canceled()
    {
        var job = await AddJobAsync("canceled", "talks", "config = '{\"channel\": \"nobody-speaks\"}'");
        var run = await RunAsync(job, waits: false);
        await Page.GotoAsync($"/admin/runs/{run}");
        await Expect(Page.Locator("#run")).ToContainTextAsync("running", new() { Timeout = 60_000 });
        await Button("Cancel").ClickAsync();
        await Expect(Page.Locator("#run .state")).ToContainTextAsync("canceled", new() { Timeout = 60_000 });
    }

    [Test]
    public async Task A_run_that_is_not_there_says_so()
    {
        Expected.Add("404");
        await Page.GotoAsync("/admin/runs/0198c5b8-0000-7000-8000-000000000000");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Name = "There is no such run." })).ToBeVisibleAsync();
    }
}
