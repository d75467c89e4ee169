using JobPlatform.Server.Tests.Api;
using Browser = JobPlatform.Server.Tests.Security.Browser;

namespace JobPlatform.Server.Tests.Admin;

/// <summary>What the pages show while much is wrong.</summary>
public sealed class PagesInTroubleTests
{
    [Test]
    public async Task What_is_next_is_shown_however_much_is_overdue()
    {
        await using var host = await ApiHost.StartAsync();
        using var browser = await Browser.SignInAsync(host);
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.jobs (name, handler) SELECT 'late-' || n, 'test-job' FROM generate_series(1, 20) n;
            INSERT INTO jobplatform.jobs (name, handler) VALUES ('the-next-one', 'test-job');
            INSERT INTO jobplatform.schedules (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
            SELECT id, name, 1, '0 5 1 1 *', 'UTC', 'one', now() + CASE WHEN name = 'the-next-one' THEN interval '1 hour' ELSE interval '-1 hour' END FROM jobplatform.jobs;
            """);

        var page = await GetAsync(browser, "/admin");

        Assert.That(page[page.IndexOf("id=\"next\"", StringComparison.Ordinal)..], Does.Contain("the-next-one"));
        Assert.That(page[page.IndexOf("id=\"missed\"", StringComparison.Ordinal)..page.IndexOf("id=\"next\"", StringComparison.Ordinal)], Does.Contain("late-1").And.Not.Contain("the-next-one"));
    }

    [Test]
    public async Task Where_the_applications_database_does_not_answer_the_pages_say_so_and_show_the_rest(
        [Values("/admin/settings?check=all", "/admin/handlers", "/admin/handlers/cleanup-sessions", "/admin/new-job?handler=cleanup-sessions", "/admin/jobs/tidy")] string address)
    {
        await using var host = await ApiHost.StartAsync(application: "Host=127.0.0.1;Port=1;Database=none;Username=none;Password=none");
        using var browser = await Browser.SignInAsync(host);
        await host.AddJobAsync("tidy", "cleanup-sessions");

        Assert.That(await GetAsync(browser, address), Does.Contain("(ConnectionStrings__App) does not answer"));
    }

    private static async Task<string> GetAsync(Browser browser, string address)
    {
        var answer = await browser.SendAsync(HttpMethod.Get, address, null, ("Accept", "text/html"));
        var page = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), page);
        return page;
    }
}
