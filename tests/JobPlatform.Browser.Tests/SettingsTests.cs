namespace JobPlatform.Browser.Tests;

public sealed class SettingsTests : PageTests
{
    [Test]
    public async Task Settings_are_shown_without_secrets_and_the_check_names_faulty_jobs()
    {
        var job = await AddJobAsync("faulty", "talks", """config = '{"totl": 1}'""");
        await Page.GotoAsync("/admin/settings");
        await Expect(Row("JOBS_SECRET_KEY").First).ToContainTextAsync("set, not shown");
        await Expect(Row("CALLS_PER_MINUTE")).ToContainTextAsync("100000");
        await Expect(Row("ConnectionStrings:Platform")).ToContainTextAsync("database ");
        await Expect(Row("POLL_SECONDS")).ToContainTextAsync("not set: 1");
        await Expect(Page.Locator("#sizes")).ToContainTextAsync("jobplatform.job_runs");
        Assert.That(await Page.ContentAsync(), Does.Not.Contain("bR7-the-key"));

        await Link("Check jobs, webhooks and workers, too").ClickAsync();
        await Expect(Page.Locator("#findings")).ToContainTextAsync(job);
        await Expect(Page.Locator("#findings")).ToContainTextAsync("totl");
    }
}
