using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

/// <summary>Every page, in light and dark, on a desk and on a phone.</summary>
public sealed class AccessibilityTests : PageTests
{
    private string _job = "";
    private Guid _run;
    private Guid _directory;

    [OneTimeSetUp]
    public async Task MakeRowsAsync()
    {
        _job = await AddJobAsync("axe", "breaks", "max_attempts = 1, cron_expression = '0 3 * * *', description = 'For the pages.'");
        await Setup.Database.ExecuteAsync("UPDATE jobplatform.jobs SET priority = 4 WHERE name = @job", new { job = _job });
        _run = await RunAsync(_job);
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.job_handlers (key, url) VALUES ('axe-hook', 'https://hooks.example.com/') ON CONFLICT DO NOTHING");
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, status, last_error) VALUES ('axe@example.com', 'For the pages', 'x', 'failed', 'It broke.')");
        _directory = await Setup.Database.ScalarAsync<Guid>(
            """
            INSERT INTO jobplatform.directory_connections (id, company, name, kind, url, ldap, last_started_at, last_result)
            VALUES (gen_random_uuid(), 'axe', 'staff', 'ldap', 'ldaps://directory.example.com', '{"base_dn": "dc=example,dc=com"}', now(), '{"error": "It broke."}') RETURNING id
            """);
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.error_logs (level, category, message, exception) VALUES ('error', 'axe', 'For the pages', 'a stack')");
    }

    [Test]
    public async Task No_page_has_a_violation_in_light_or_dark_or_is_wider_than_the_window(
        [Values(
            "", "/jobs", "/jobs?q=nothing%3Awrong", "/jobs/JOB", "/jobs/JOB/versions", "/jobs/JOB/edit", "/new-job", "/new-job?handler=talks", "/runs", "/runs?q=needle", "/runs/RUN", "/jobs/nowhere",
            "/schedules", "/handlers", "/handlers/talks", "/handlers/axe-hook", "/handlers/axe-hook/edit", "/new-webhook", "/settings?check=all", "/emails", "/emails?q=nothing%3Awrong",
            "/directory", "/directory/DIRECTORY", "/directory/DIRECTORY/edit", "/new-directory?kind=ldap", "/new-directory?kind=scim", "/emails/previews", "/emails/previews/admin/de", "/audit", "/logs")] string address,
        [Values(1280, 390)] int width)
    {
        Expected.AddRange(["404", "422"]);
        await OpenAsync(Setup.Host, new() { ViewportSize = new() { Width = width, Height = 800 } });
        await Page.GotoAsync($"/admin{address.Replace("JOB", _job, StringComparison.Ordinal).Replace("RUN", $"{_run}", StringComparison.Ordinal).Replace("DIRECTORY", $"{_directory}", StringComparison.Ordinal)}");
        // Axe waits for ever for an answer of a frame that runs no script, as that of a mail.
        await Page.EvaluateAsync("document.querySelectorAll('iframe').forEach(frame => frame.remove())");

        Assert.That(await FindAsync(width), Is.Empty);
    }

    [Test]
    public async Task The_list_of_keys_has_no_violation()
    {
        await Page.GotoAsync("/admin/jobs");
        await Button("Keys").ClickAsync();

        Assert.That(await FindAsync(1280), Is.Empty);
    }

    [Test]
    public async Task The_sign_in_has_no_violation([Values(1280, 390)] int width)
    {
        await OpenAsync(Setup.Host, new() { ViewportSize = new() { Width = width, Height = 800 } });
        await Page.Context.ClearCookiesAsync();
        await Page.GotoAsync("/admin/sign-in");

        Assert.That(await FindAsync(width), Is.Empty);
    }

    [Test]
    public async Task The_question_for_the_password_has_no_violation([Values(1280, 390)] int width)
    {
        Expected.Add("403");
        await OpenAsync(Setup.LaterHost, new() { ViewportSize = new() { Width = width, Height = 800 } });
        await Page.GotoAsync("/admin/handlers/axe-hook/edit");
        await Expect(Button("Confirm and go on")).ToBeVisibleAsync();

        Assert.That(await FindAsync(width), Is.Empty);
    }

    [Test]
    public async Task The_question_before_many_runs_are_changed_has_no_violation([Values(1280, 390)] int width)
    {
        await OpenAsync(Setup.Host, new() { ViewportSize = new() { Width = width, Height = 800 } });
        await Page.GotoAsync($"/admin/runs?q=job%3A{_job}");
        await Button("Retry …").ClickAsync();
        await Expect(Page.Locator("input[name=confirm]")).ToHaveCountAsync(1);

        Assert.That(await FindAsync(width), Is.Empty);
    }

    private async Task<IReadOnlyList<string>> FindAsync(int width)
    {
        await Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        var found = await FindAsync("in light", new AxeRunOptions { ResultTypes = [ResultType.Violations] });
        // Of all the rules only this one asks for colours.
        await Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        found.AddRange(await FindAsync("in dark", new AxeRunOptions { ResultTypes = [ResultType.Violations], RunOnly = new() { Type = "rule", Values = ["color-contrast"] } }));
        var wide = await Page.EvaluateAsync<int>("document.documentElement.scrollWidth");
        if (wide > width) found.Add($"It is {wide} pixels wide.");
        var isCut = await Page.EvaluateAsync<bool>("[...document.querySelectorAll('.places')].some(places => places.scrollWidth > places.clientWidth)");
        if (isCut) found.Add("Not all places are seen.");
        return found;
    }

    private async Task<List<string>> FindAsync(string name, AxeRunOptions options) =>
        [.. (await Page.RunAxe(options)).Violations.Select(violation => $"{name}: {violation.Id}: {violation.Help}: {string.Join("; ", violation.Nodes.Take(3).Select(node => node.Html))}")];
}
