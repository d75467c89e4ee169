using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

public sealed class JobsTests : PageTests
{
    [Test]
    public async Task A_job_is_disabled_enabled_and_run_from_the_list_by_one_click_each()
    {
        var job = await AddJobAsync("listed", "talks", "cron_expression = '30 2 * * *', time_zone = 'Europe/Berlin'");
        await Page.GotoAsync($"/admin/jobs?q={job}");
        await Expect(Row(job)).ToContainTextAsync("at 02:30 every day, Europe/Berlin");
        await Expect(Row(job)).ToContainTextAsync("never ran");

        await Button($"Disable {job}").ClickAsync();
        await Expect(Row(job)).ToContainTextAsync("disabled");
        Assert.That(await Setup.Database.ScalarAsync<bool>("SELECT is_enabled FROM jobplatform.jobs WHERE name = @job", new { job }), Is.False);

        await Button($"Enable {job}").ClickAsync();
        await Expect(Button($"Disable {job}")).ToBeVisibleAsync();

        await Button($"Run {job} now").ClickAsync();
        await Expect(Page.GetByText($"{job} runs as soon as a worker is free.")).ToBeVisibleAsync();
        // By itself: the list is live.
        await Expect(Row(job)).ToContainTextAsync("success", new() { Timeout = 60_000 });
        await Expect(Row(job).Locator(".strip rect")).ToHaveCountAsync(1);
    }

    [Test]
    public async Task Several_jobs_are_changed_together()
    {
        var prefix = NewName("several");
        foreach (var part in new[] { "a", "b", "c" }) await Setup.Database.AddJobAsync($"{prefix}-{part}", "talks");
        await Page.GotoAsync($"/admin/jobs?q={prefix}");

        await Page.GetByLabel($"Select {prefix}-a").CheckAsync();
        await Page.GetByLabel($"Select {prefix}-b").CheckAsync();
        await Expect(Page.GetByText("2 jobs")).ToBeVisibleAsync();
        await Page.Locator("#bulk").GetByRole(AriaRole.Button, new() { Name = "Disable" }).ClickAsync();

        await Expect(Page.GetByText("2 jobs disabled.")).ToBeVisibleAsync();
        Assert.That(await Setup.Database.ScalarAsync<string>("SELECT string_agg(right(name, 1), '' ORDER BY name) FROM jobplatform.jobs WHERE starts_with(name, @prefix) AND NOT is_enabled", new { prefix }), Is.EqualTo("ab"));

        await Page.GetByLabel($"Select {prefix}-b").CheckAsync();
        await Page.Locator("#bulk").GetByRole(AriaRole.Button, new() { Name = "Enable" }).ClickAsync();
        await Expect(Page.GetByText("1 job enabled.")).ToBeVisibleAsync();
        foreach (var part in new[] { "b", "c" }) await Page.GetByLabel($"Select {prefix}-{part}").CheckAsync();
        await Page.Locator("#bulk").GetByRole(AriaRole.Button, new() { Name = "Run now" }).ClickAsync();
        await Expect(Page.GetByText("2 jobs set running.")).ToBeVisibleAsync();
        Assert.That(await Setup.Database.ScalarAsync<string>("SELECT string_agg(right(j.name, 1), '' ORDER BY j.name) FROM jobplatform.job_runs r JOIN jobplatform.jobs j ON j.id = r.job_id WHERE starts_with(j.name, @prefix)", new { prefix }), Is.EqualTo("bc"));
    }

    [Test]
    public async Task A_search_understands_filters_and_suggests_them()
    {
        var (failed, fine) = (await AddJobAsync("search-failed", "breaks", "max_attempts = 1"), await AddJobAsync("search-fine"));
        await RunAsync(failed);
        await RunAsync(fine);
        await Page.GotoAsync("/admin/jobs");

        await PressAsync("/");
        await Page.Keyboard.TypeAsync("sta");
        await Expect(Page.GetByRole(AriaRole.Option)).ToHaveTextAsync(["status:"]);
        await PressAsync("ArrowDown");
        await PressAsync("Enter");
        await Page.Keyboard.TypeAsync("fai");
        await PressAsync("ArrowDown");
        await PressAsync("Enter");
        await Page.Keyboard.TypeAsync("search-");
        await PressAsync("Enter");

        await Expect(Row(failed)).ToBeVisibleAsync();
        await Expect(Row(fine)).ToHaveCountAsync(0);
        await Expect(Page.Locator("#q")).ToHaveValueAsync("status:failed search-");

        await Page.GotoAsync("/admin/jobs?q=stauts%3Afailed");
        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("status");
    }

    [Test]
    public async Task The_keyboard_walks_the_rows_opens_them_and_shows_its_list()
    {
        var prefix = NewName("keys");
        foreach (var part in new[] { "a", "b" }) await Setup.Database.AddJobAsync($"{prefix}-{part}", "talks");
        await Page.GotoAsync($"/admin/jobs?q={prefix}");

        await PressAsync("?");
        await Expect(Page.GetByRole(AriaRole.Dialog, new() { Name = "Keys" })).ToBeVisibleAsync();
        await PressAsync("Escape");
        await PressAsync("j");
        await PressAsync("j");
        await Expect(Row($"{prefix}-b")).ToHaveClassAsync(new System.Text.RegularExpressions.Regex("selected"));
        await PressAsync("x");
        await Expect(Page.GetByLabel($"Select {prefix}-b")).ToBeCheckedAsync();
        await PressAsync("e");
        await Expect(Row($"{prefix}-b")).ToContainTextAsync("disabled");
        await PressAsync("k");
        await PressAsync("Enter");
        await ComeToAsync($"/admin/jobs/{prefix}-a");
        await PressAsync("g");
        await PressAsync("r");
        await ComeToAsync("/admin/runs");
    }

    [Test]
    public async Task Many_jobs_come_page_by_page()
    {
        var prefix = NewName("paged");
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.jobs (name, handler) SELECT @prefix || '-' || lpad(n::text, 3, '0'), 'talks' FROM generate_series(1, 60) n", new { prefix });
        await Page.GotoAsync($"/admin/jobs?q={prefix}");
        await Expect(Page.Locator("tbody [data-row]")).ToHaveCountAsync(50);

        await PressAsync("]");

        await Expect(Page.Locator("tbody [data-row]")).ToHaveCountAsync(10);
        await Expect(Row($"{prefix}-051")).ToBeVisibleAsync();
        await Link("First page").ClickAsync();
        await Expect(Row($"{prefix}-001")).ToBeVisibleAsync();
    }

    [Test]
    public async Task A_search_that_finds_nothing_says_so()
    {
        await Page.GotoAsync("/admin/jobs?q=there-is-no-such-job");
        await Expect(Page.GetByText("No job fits.")).ToBeVisibleAsync();
        await Link("Show all").ClickAsync();
        await ComeToAsync("/admin/jobs");
    }
}
