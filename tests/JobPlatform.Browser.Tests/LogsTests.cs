namespace JobPlatform.Browser.Tests;

public sealed class LogsTests : PageTests
{
    [Test]
    public async Task Who_did_what_is_found_by_subject_actor_and_action_with_its_details()
    {
        var job = await AddJobAsync("audited");
        await Page.GotoAsync($"/admin/jobs/{job}");
        await Button("Disable").ClickAsync();
        await Expect(Page.GetByText($"{job} is disabled")).ToBeVisibleAsync();

        await Page.GotoAsync($"/admin/audit?q=subject%3A{job}");
        await Expect(Row("job.disabled")).ToContainTextAsync($"admin:{Setup.Admin}");
        await Row("job.disabled").GetByText("Details").ClickAsync();
        await Expect(Row("job.disabled").Locator(".json").First).ToBeVisibleAsync();
        await Page.GetByRole(Microsoft.Playwright.AriaRole.Link, new() { Name = $"admin:{Setup.Admin}" }).First.ClickAsync();
        await Expect(Page.Locator("#q")).ToHaveValueAsync($"actor:admin:{Setup.Admin} subject:{job}");
        await Page.GotoAsync($"/admin/audit?q=subject%3A{job}+action%3Ajob.deleted");
        await Expect(Page.GetByText("No entry fits.")).ToBeVisibleAsync();
    }

    [Test]
    public async Task Warnings_and_errors_are_found_by_level_category_and_event()
    {
        var category = NewName("part");
        await Setup.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.error_logs (level, category, event_id, event_name, message, exception)
            VALUES ('warning', @category, 7, 'Odd', 'Something is odd.', NULL), ('error', @category, 8, 'Broken', 'Something broke.', 'System.Exception: at the needle')
            """, new { category });
        await Page.GotoAsync($"/admin/logs?q=category%3A{category}");
        await Expect(Page.GetByText("LOGS_ENABLED is not true")).ToBeVisibleAsync();
        await Expect(Page.Locator("[data-row]")).ToHaveCountAsync(2);

        await Link("Errors").ClickAsync();
        await Expect(Row("Something is odd.")).ToHaveCountAsync(0);
        await Row("Something broke.").Locator("summary").ClickAsync();
        await Expect(Page.GetByText("at the needle")).ToBeVisibleAsync();
        await Page.GotoAsync($"/admin/logs?q=category%3A{category}+event%3A7");
        await Expect(Row("Something is odd.")).ToBeVisibleAsync();
        await Page.GotoAsync("/admin/logs?q=event%3Aodd");
        await Expect(Page.GetByText("event: 'odd' is not an event's number")).ToBeVisibleAsync();
    }
}
