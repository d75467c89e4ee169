using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

public sealed class JobPageTests : PageTests
{
    [Test]
    public async Task It_shows_the_definition_the_statistics_and_the_runs_and_says_why_nothing_runs()
    {
        var job = await AddJobAsync("shown", "talks", "description = 'What it is for.', config = '{\"total\": 3}'");
        await RunAsync(job);
        await RunAsync(job);
        await Page.GotoAsync($"/admin/jobs/{job}");

        await Expect(Page.GetByText("What it is for.")).ToBeVisibleAsync();
        await Expect(Page.Locator("#tiles")).ToContainTextAsync("100 %");
        await Expect(Page.Locator("#answer")).ToContainTextAsync("runs only when it is asked to");
        await Expect(Page.Locator("#runs [data-row]")).ToHaveCountAsync(2);
        await Expect(Page.Locator("#durations .bar")).ToHaveCountAsync(2);
        await Expect(Page.Locator("#definition")).ToContainTextAsync("total");
    }

    [Test]
    public async Task It_runs_now_with_a_payload_and_as_a_dry_run()
    {
        var job = await AddJobAsync("payload");
        await Page.GotoAsync($"/admin/jobs/{job}");
        await Button("Dry run").ClickAsync();
        await ComeToAsync("/admin/runs/*");
        await Expect(Page.Locator("#run")).ToContainTextAsync("success", new() { Timeout = 60_000 });
        await Expect(Page.Locator("#run")).ToContainTextAsync("dry_run");
        await Expect(Page.Locator("#run")).ToContainTextAsync(Setup.Admin);

        await Page.GotoAsync($"/admin/jobs/{job}");
        await Page.GetByText("Run now with a payload").ClickAsync();
        await Page.GetByLabel("Payload, laid over").FillAsync("""{"tone": "loud"}""");
        await Button("Run with this payload").ClickAsync();
        await ComeToAsync("/admin/runs/*");
        await Expect(Page.GetByRole(AriaRole.Region, new() { Name = "Output" })).ToContainTextAsync("loud", new() { Timeout = 60_000 });

        await Page.GotoAsync($"/admin/jobs/{job}");
        await Page.GetByText("Run now with a payload").ClickAsync();
        await Page.GetByLabel("Payload, laid over").FillAsync("""{"total": 3}""");
        await Button("Dry run with this payload").ClickAsync();
        await ComeToAsync("/admin/runs/*");
        await Expect(Page.Locator("main")).ToContainTextAsync("dry_run");
        await Expect(Page.Locator("main")).ToContainTextAsync("total");
    }

    [Test]
    public async Task A_payload_that_does_not_fit_names_the_field_and_can_be_mended()
    {
        Expected.Add("422");
        var job = await AddJobAsync("misfit");
        await Page.GotoAsync($"/admin/jobs/{job}");
        await Page.GetByText("Run now with a payload").ClickAsync();
        await Page.GetByLabel("Payload, laid over").FillAsync("""{"total": "many"}""");
        await Button("Run with this payload").ClickAsync();

        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("total: \"many\" is not a whole number.");
        await Expect(Page.GetByLabel("Payload, laid over")).ToHaveValueAsync("""{"total": "many"}""");
        await Page.GetByLabel("Payload, laid over").FillAsync("""{"total": 3""");
        await Button("Run with this payload").ClickAsync();
        await Expect(Page.GetByLabel("Payload, laid over")).ToHaveValueAsync("""{"total": 3""");
        await Page.GetByLabel("Payload, laid over").FillAsync("""{"total": 3}""");
        await Button("Run with this payload").ClickAsync();
        await ComeToAsync("/admin/runs/*");
    }

    [Test]
    public async Task A_version_is_compared_and_brought_back()
    {
        var job = await AddJobAsync("versions", "talks", "config = '{\"total\": 3}'");
        await Setup.Database.ExecuteAsync("UPDATE jobplatform.jobs SET config = '{\"total\": 7}' WHERE name = @job", new { job });
        await Page.GotoAsync($"/admin/jobs/{job}");
        await Link("all versions").ClickAsync();

        await Expect(Page.GetByRole(AriaRole.Row, new() { Name = "config.total 3 7" })).ToBeVisibleAsync();
        await Button("Bring back version 2").ClickAsync();
        await Expect(Page.GetByText("Version 2 is in force again, as version 4.")).ToBeVisibleAsync();
        Assert.That(await Setup.Database.ScalarAsync<string>("SELECT config ->> 'total' FROM jobplatform.jobs WHERE name = @job", new { job }), Is.EqualTo("3"));
    }

    [Test]
    public async Task A_job_that_is_not_there_says_so_and_what_may_have_been_meant()
    {
        Expected.Add("404");
        var job = await AddJobAsync("meant");
        await Page.GotoAsync($"/admin/jobs/{job}x");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Name = "There is no such job." })).ToBeVisibleAsync();
        await Expect(Page.GetByText(job)).ToBeVisibleAsync();
    }
}
