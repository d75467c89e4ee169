using JobPlatform.Core.Engine;
using JobPlatform.Core.Schedules;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

public sealed class OverviewTests : PageTests
{
    [Test]
    public async Task It_shows_what_runs_what_failed_and_what_did_not_run_without_a_reload_and_can_be_paused()
    {
        await Page.GotoAsync("/admin");
        var (running, failed, skipped) = (await AddJobAsync("now", "talks", "config = '{\"channel\": \"overview\", \"total\": 2}'"), await AddJobAsync("wrong", "breaks", "max_attempts = 1"), await AddJobAsync("missed"));
        var run = await RunAsync(running, waits: false);
        await Talks.To("overview").WriteAsync("half of it");
        await RunAsync(failed);
        await Setup.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, scheduled_for, queue, priority, limited, status, skip_reason, finished_at)
            SELECT jobplatform.uuid_v7(), id, 1, 'cron', now(), now() - interval '1 minute', 'default', 5, true, 'skipped', 'misfire', now() FROM jobplatform.jobs WHERE name = @skipped
            """, new { skipped });

        await Expect(Page.Locator("#running")).ToContainTextAsync(running, new() { Timeout = 60_000 });
        await Expect(Page.Locator("#running")).ToContainTextAsync("1 of 2 (50 %)", new() { Timeout = 60_000 });
        await Expect(Page.Locator("#failed")).ToContainTextAsync(failed, new() { Timeout = 60_000 });
        await Expect(Page.Locator("#missed")).ToContainTextAsync("it was due while no worker could start it", new() { Timeout = 60_000 });

        await Button("Live").ClickAsync();
        await Expect(Button("Paused")).ToBeVisibleAsync();
        await Button("Paused").ClickAsync();
        Talks.To("overview").Complete();
        await WaitForEndAsync(run);
        await Expect(Page.Locator("#running")).Not.ToContainTextAsync(running, new() { Timeout = 60_000 });
    }

    [Test]
    public async Task It_shows_alerts_while_they_are_open()
    {
        var title = NewName("alert");
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.alerts (key, kind, title, message, opened_at) VALUES (@title, 'mail_stuck', @title, 'What to do.', now())", new { title });
        await Page.GotoAsync("/admin");

        await Expect(Page.Locator("#alerts")).ToContainTextAsync(title);
        await Setup.Database.ExecuteAsync("DELETE FROM jobplatform.alerts WHERE title = @title", new { title });
        await Expect(Page.Locator("#alerts")).Not.ToContainTextAsync(title, new() { Timeout = 60_000 });
    }

    [Test]
    public async Task Each_figure_leads_to_its_rows()
    {
        await Page.GotoAsync("/admin");
        await Page.Locator("#tiles a").Filter(new() { HasText = "Failed" }).ClickAsync();
        await Expect(Page.Locator("#q")).ToHaveValueAsync("status:failed since:24h");
        await Page.GotoAsync("/admin");
        await Page.Locator("#chart svg a").Last.ClickAsync();
        await Expect(Page.Locator("#q")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("^from:.*Z to:.*Z$"));
        await Page.GotoAsync("/admin");
        await Expect(Page.Locator("#workers li")).ToContainTextAsync("places");
    }

    [Test]
    public async Task The_theme_is_kept()
    {
        await Page.GotoAsync("/admin");
        await Button("Light or dark").ClickAsync();
        var chosen = await Page.Locator("html").GetAttributeAsync("data-theme");
        await Page.ReloadAsync();
        Assert.That(chosen, Is.EqualTo("dark"));
        await Expect(Page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
    }
}

/// <summary>Somebody who may only look.</summary>
public sealed class ViewerTests : PageTests
{
    protected override string? Account => Setup.Viewer;

    [Test]
    public async Task A_viewer_sees_all_and_no_control_that_would_be_refused()
    {
        var job = await AddJobAsync("viewed");
        var run = await RunAsync(job);
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.job_handlers (key, url) VALUES ('viewed-hook', 'https://hooks.example.com/') ON CONFLICT DO NOTHING");
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, status) VALUES ('viewed@example.com', 'x', 'x', 'canceled')");
        await Setup.Host.Services.GetRequiredService<IJobEngine>().ScheduleAsync(new(long.MaxValue, NewName("orphan"), 1, "0 5 1 1 *", "UTC", MisfirePolicy.One), CancellationToken.None);
        foreach (var address in new[]
        {
            "/admin", $"/admin/jobs?q={job}", $"/admin/jobs/{job}", $"/admin/jobs/{job}/versions", $"/admin/runs?q=job%3A{job}", $"/admin/runs/{run}",
            "/admin/schedules", "/admin/handlers", "/admin/handlers/talks", "/admin/handlers/viewed-hook", "/admin/settings?check=all", "/admin/directory", "/admin/emails", "/admin/emails/previews", "/admin/emails/previews/admin/en", "/admin/audit", "/admin/logs",
        })
        {
            await Page.GotoAsync(address);
            await Expect(Page.Locator("h1")).ToBeVisibleAsync();
            await Expect(Page.Locator("form[method=post]:not([action='/admin/sign-out'])")).ToHaveCountAsync(0);
            await Expect(Page.Locator("main a[href*='new-job'], main a[href*='new-webhook'], main a[href*='new-directory'], main a[href$='/edit']")).ToHaveCountAsync(0);
        }
    }

    [Test]
    public async Task The_forms_say_why_a_viewer_may_not([Values("job", "webhook", "directory")] string what)
    {
        Expected.Add("403");
        await Page.GotoAsync($"/admin/new-{what}");
        await Expect(Page.GetByText("Your account has the role viewer, and this needs admin.")).ToBeVisibleAsync();
    }
}
