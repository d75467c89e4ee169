using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

/// <summary>Every page, in light and dark, on a desk and on a phone.</summary>
public sealed class AccessibilityTests : PageTests
{
    private string _job = "";
    private Guid _run;

    [OneTimeSetUp]
    public async Task MakeRowsAsync()
    {
        _job = await AddJobAsync("axe", "breaks", "max_attempts = 1, cron_expression = '0 3 * * *', description = 'For the pages.'");
        await Setup.Database.ExecuteAsync("UPDATE jobplatform.jobs SET priority = 4 WHERE name = @job", new { job = _job });
        _run = await RunAsync(_job);
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.job_handlers (key, url) VALUES ('axe-hook', 'https://hooks.example.com/') ON CONFLICT DO NOTHING");
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, status, last_error) VALUES ('axe@example.com', 'For the pages', 'x', 'failed', 'It broke.')");
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.error_logs (level, category, message, exception) VALUES ('error', 'axe', 'For the pages', 'a stack')");
    }

    [TestCase(1280)]
    [TestCase(390)]
    public async Task No_page_has_a_violation_in_light_or_dark_or_is_wider_than_the_window(int width)
    {
        Expected.AddRange(["404", "422"]);
        await OpenAsync(Setup.Host, new() { ViewportSize = new() { Width = width, Height = 800 } });
        var wrong = new List<string>();
        foreach (var address in new[]
        {
            "/admin", "/admin/jobs", "/admin/jobs?q=nothing%3Awrong", $"/admin/jobs/{_job}", $"/admin/jobs/{_job}/versions", $"/admin/jobs/{_job}/edit",
            "/admin/new-job", "/admin/new-job?handler=talks", "/admin/runs", $"/admin/runs/{_run}", "/admin/jobs/nowhere",
            "/admin/schedules", "/admin/handlers", "/admin/handlers/talks", "/admin/handlers/axe-hook", "/admin/handlers/axe-hook/edit", "/admin/new-webhook", "/admin/settings?check=all", "/admin/emails", "/admin/emails?q=nothing%3Awrong",
            "/admin/emails/previews", "/admin/emails/previews/admin/de", "/admin/audit", "/admin/logs",
        })
        {
            await Page.GotoAsync(address);
            wrong.AddRange(await FindAsync(address, width));
        }
        await Page.GotoAsync("/admin/jobs");
        if (width > 400)
        {
            await Button("Keys").ClickAsync();
            wrong.AddRange(await FindAsync("the keys", width));
        }
        await Page.Context.ClearCookiesAsync();
        await Page.GotoAsync("/admin/sign-in");
        wrong.AddRange(await FindAsync("/admin/sign-in", width));

        Assert.That(wrong, Is.Empty);
    }

    private async Task<IReadOnlyList<string>> FindAsync(string address, int width)
    {
        await Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        var found = await FindAsync(address, new AxeRunOptions { ResultTypes = [ResultType.Violations] });
        // Of all the rules only this one asks for colours.
        await Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        found.AddRange(await FindAsync($"{address} in dark", new AxeRunOptions { ResultTypes = [ResultType.Violations], RunOnly = new() { Type = "rule", Values = ["color-contrast"] } }));
        var wide = await Page.EvaluateAsync<int>("document.documentElement.scrollWidth");
        if (wide > width) found.Add($"{address}: it is {wide} pixels wide.");
        var isCut = await Page.EvaluateAsync<bool>("[...document.querySelectorAll('.places')].some(places => places.scrollWidth > places.clientWidth)");
        if (isCut) found.Add($"{address}: not all places are seen.");
        return found;
    }

    private async Task<List<string>> FindAsync(string name, AxeRunOptions options) =>
        [.. (await Page.RunAxe(options)).Violations.Select(violation => $"{name}: {violation.Id}: {violation.Help}: {string.Join("; ", violation.Nodes.Take(3).Select(node => node.Html))}")];
}
