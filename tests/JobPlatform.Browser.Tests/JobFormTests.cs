using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

public sealed class JobFormTests : PageTests
{
    [Test]
    public async Task A_job_is_made_from_its_handler_by_fields()
    {
        var name = NewName("made");
        await Page.GotoAsync("/admin/jobs");
        await PressAsync("c");
        await ComeToAsync("/admin/new-job");
        await Link("talks").ClickAsync();

        await Page.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await Page.GetByLabel("Cron expression").FillAsync("30 2 * * *");
        await Page.GetByLabel("Time zone").FillAsync("Europe/Berlin");
        await Page.GetByLabel("total").FillAsync("42");
        await Page.GetByLabel("tone").SelectOptionAsync("loud");
        // Read while it is typed.
        await Expect(Page.Locator("#preview")).ToContainTextAsync("At 02:30 every day, on the clock of Europe/Berlin.");
        await Expect(Page.Locator("#preview .due li")).ToHaveCountAsync(10);
        await Button("Make the job").ClickAsync();

        await ComeToAsync($"/admin/jobs/{name}");
        await Expect(Page.GetByText($"{name} is made.")).ToBeVisibleAsync();
        Assert.That(await Setup.Database.ScalarAsync<string>("SELECT concat_ws(' ', cron_expression, time_zone, config) FROM jobplatform.jobs WHERE name = @name", new { name }),
            Is.EqualTo("""30 2 * * * Europe/Berlin {"tone": "loud", "total": 42}"""));
    }

    [Test]
    public async Task A_fault_names_the_field_and_the_remedy_and_loses_nothing_that_was_typed()
    {
        Expected.Add("422");
        var job = await AddJobAsync("faulty");
        await Page.GotoAsync($"/admin/jobs/{job}/edit");
        await Page.GetByLabel("Description").FillAsync("typed before");
        await Page.GetByLabel("Cron expression").FillAsync("61 2 * * *");
        await Page.GetByLabel("total").FillAsync("2000");
        await Button("Store").Last.ClickAsync();

        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("cron_expression");
        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("config.total: 2000 is not allowed.");
        await Expect(Page.GetByLabel("Description")).ToHaveValueAsync("typed before");
        await Expect(Page.GetByLabel("Cron expression")).ToHaveAttributeAsync("aria-invalid", "true");
        await Page.GetByLabel("Cron expression").FillAsync("");
        await Page.GetByLabel("total").FillAsync("20");
        await Button("Store").Last.ClickAsync();
        await Expect(Page.GetByText($"{job} is stored as version 2.")).ToBeVisibleAsync();
    }

    [Test]
    public async Task What_lets_a_handler_delete_more_is_stored_after_the_password_with_all_that_was_typed()
    {
        Expected.Add("403");
        var job = await AddJobAsync("widened", "cleanup-sessions", "config = '{\"days_to_keep\": 90}'");
        await OpenAsync(Setup.LaterHost);
        await Page.GotoAsync($"/admin/jobs/{job}/edit");
        await Page.GetByLabel("Description").FillAsync("typed before");
        await Page.GetByLabel("days_to_keep").FillAsync("7");
        await Button("Store").Last.ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("days_to_keep: ");
        await Page.GetByLabel("Password").FillAsync(Setup.Password);
        await Button("Confirm and go on").ClickAsync();

        await Expect(Page.GetByText($"{job} is stored as version 3.")).ToBeVisibleAsync();
        Assert.That(await Setup.Database.ScalarAsync<string>("SELECT concat_ws(' ', description, config ->> 'days_to_keep') FROM jobplatform.jobs WHERE name = @job", new { job }), Is.EqualTo("typed before 7"));
    }

    [Test]
    public async Task The_config_changes_between_fields_and_json_and_keeps_what_was_typed()
    {
        var job = await AddJobAsync("editors", "talks", "config = '{\"total\": 5}'");
        await Page.GotoAsync($"/admin/jobs/{job}/edit");
        await Page.GetByLabel("total").FillAsync("6");
        await Button("Edit as JSON").ClickAsync();
        await Expect(Page.GetByLabel("As a JSON object")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("\"total\": 6"));
        await Page.GetByLabel("As a JSON object").FillAsync("""{"total": 7, "dry_run": true}""");
        await Button("Edit by fields").ClickAsync();
        await Expect(Page.GetByLabel("total")).ToHaveValueAsync("7");
        await Expect(Page.GetByLabel("dry_run")).ToHaveValueAsync("true");
    }

    [Test]
    public async Task Due_times_show_clock_changes_and_the_jobs_that_start_together()
    {
        var other = await AddJobAsync("together", "talks", "cron_expression = '7 3 29 2 *'");
        await Expect(Page.Locator("html")).ToBeAttachedAsync();
        await Page.GotoAsync("/admin/new-job?handler=talks");
        await Page.GetByLabel("Name", new() { Exact = true }).FillAsync(NewName("dst"));
        await Page.GetByLabel("Time zone").FillAsync("Europe/Berlin");
        await Page.GetByLabel("Cron expression").FillAsync("30 2 L 3 0");
        await Expect(Page.Locator("#preview")).ToContainTextAsync("the clock skips the time that was meant");

        await Page.GetByLabel("Time zone").FillAsync("UTC");
        await Page.GetByLabel("Cron expression").FillAsync("7 3 29 2 *");
        // The schedule of a job that was made by SQL follows within a second.
        await Expect(async () =>
        {
            await Button("Check").ClickAsync();
            await Expect(Page.Locator("#preview")).ToContainTextAsync($"with {other}", new() { Timeout = 1000 });
        });
    }

    private static async Task Expect(Func<Task> attempt)
    {
        for (var left = 30; ; left--)
        {
            try
            {
                await attempt();
                return;
            }
            catch (PlaywrightException) when (left > 0)
            {
                continue;
            }
        }
    }
}
