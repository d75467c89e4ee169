using Microsoft.AspNetCore.Http;

namespace JobPlatform.Browser.Tests;

public sealed class HandlersTests : PageTests
{
    private const string Secret = "a-secret-of-the-hook";

    [Test]
    public async Task A_handler_shows_what_it_needs_and_takes()
    {
        await Page.GotoAsync("/admin/handlers");
        await Link("cleanup-sessions").ClickAsync();
        await ComeToAsync("/admin/handlers/cleanup-sessions");
        await Expect(Page.Locator("#facts")).ToContainTextAsync("public.chat_sessions is there");
        await Page.GotoAsync("/admin/handlers/talks");
        await Expect(Page.Locator("#config")).ToContainTextAsync("How many things there are. (a number, 1 to 1000; default 10)");
        await Page.GetByText("As JSON Schema").ClickAsync();
        await Expect(Page.Locator("#config .json").First).ToContainTextAsync("properties");
    }

    [Test]
    public async Task A_webhook_is_made_called_changed_after_the_password_and_deleted()
    {
        Expected.Add("403");
        await using var receiver = await HttpReceiver.StartAsync(http => http.Response.WriteAsJsonAsync(new { received = true }));
        var key = NewName("hook");
        await Page.GotoAsync("/admin/handlers");
        await Link("New webhook").ClickAsync();
        await Page.GetByLabel("Key", new() { Exact = true }).FillAsync(key);
        await Page.GetByLabel("URL").FillAsync($"http://127.0.0.1:{receiver.Port}/first");
        await Page.GetByLabel("How it is shown").SelectOptionAsync("bearer");
        await Page.GetByLabel("Secret", new() { Exact = true }).FillAsync(Secret);
        await Page.GetByLabel("Further headers").FillAsync("X-Shop: one");
        await Button("Make the webhook").ClickAsync();
        await Expect(Page.GetByText($"{key} is made.")).ToBeVisibleAsync();

        await Button("Test call").ClickAsync();
        await Expect(Page.Locator("#result")).ToContainTextAsync("It answered well.");
        await Expect(Page.Locator("#result")).ToContainTextAsync("received");
        Assert.That(receiver.Requests.Single().Headers["Authorization"], Is.EqualTo($"Bearer {Secret}"));
        Assert.That(receiver.Requests.Single().Headers["X-Shop"], Is.EqualTo("one"));

        await OpenAsync(Setup.LaterHost);
        await Page.GotoAsync($"/admin/handlers/{key}");
        await Link("Edit").ClickAsync();
        await ConfirmAsync();
        await ComeToAsync($"/admin/handlers/{key}/edit");
        Assert.That(await Page.ContentAsync(), Does.Not.Contain(Secret));
        await Page.GetByLabel("Description").FillAsync("Tells the shop.");
        await Button("Store").ClickAsync();
        await Expect(Page.GetByText($"{key} is stored as version 2.")).ToBeVisibleAsync();
        await Expect(Page.GetByText("Tells the shop.")).ToBeVisibleAsync();

        await OpenAsync(Setup.Host);
        await Page.GotoAsync($"/admin/handlers/{key}");
        await Button("Test call").ClickAsync();
        await Expect(Page.Locator("#result")).ToContainTextAsync("It answered well.");
        Assert.That(receiver.Requests[^1].Headers["Authorization"], Is.EqualTo($"Bearer {Secret}"), "An empty field keeps the secret.");
        await Link("Edit").ClickAsync();
        await Page.GetByLabel("Signing secret", new() { Exact = true }).FillAsync("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");
        await Button("Store").ClickAsync();
        await Expect(Page.Locator("#definition")).ToContainTextAsync("calls are signed");
        await Link("Edit").ClickAsync();
        await Page.GetByLabel("Sign calls no longer").CheckAsync();
        await Button("Store").ClickAsync();
        await Expect(Page.Locator("#definition")).ToContainTextAsync("calls are not signed");
        await Page.GetByText("Delete this webhook").ClickAsync();
        await Button($"Delete {key}").ClickAsync();
        await Expect(Page.GetByText($"{key} is deleted with its secrets.")).ToBeVisibleAsync();
        await Expect(Row(key)).ToHaveCountAsync(0);
    }

    [Test]
    public async Task A_secret_is_typed_again_rather_than_carried_through_the_page_that_asks_for_the_password()
    {
        const string newSecret = "another-secret-of-the-hook";
        Expected.AddRange(["401", "403", "422"]);
        await using var receiver = await HttpReceiver.StartAsync(http => http.Response.WriteAsJsonAsync(new { received = true }));
        var key = NewName("hook");
        await Setup.Database.ExecuteAsync("INSERT INTO jobplatform.job_handlers (key, url) VALUES (@key, @url)", new { key, url = $"http://127.0.0.1:{receiver.Port}/" });
        await OpenAsync(Setup.LaterHost);
        var longAgo = await Page.Context.CookiesAsync();
        await Page.GotoAsync($"/admin/handlers/{key}/edit");
        await Page.GetByLabel("Password").FillAsync("wrong");
        await Button("Confirm and go on").ClickAsync();
        await Expect(Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync("do not fit");
        await ConfirmAsync();
        await Page.GetByLabel("Description").FillAsync("Tells the shop.");
        await Page.GetByLabel("How it is shown").SelectOptionAsync("bearer");
        await Page.GetByLabel("Secret", new() { Exact = true }).FillAsync(newSecret);

        // The form lay open for longer than a password counts.
        await Page.Context.AddCookiesAsync(longAgo.Select(cookie => new Microsoft.Playwright.Cookie
        {
            Name = cookie.Name, Value = cookie.Value, Domain = cookie.Domain, Path = cookie.Path, HttpOnly = cookie.HttpOnly, Secure = cookie.Secure, SameSite = cookie.SameSite, Expires = cookie.Expires,
        }));
        await Button("Store").ClickAsync();
        await Expect(Button("Confirm and go on")).ToBeVisibleAsync();
        Assert.That(await Page.ContentAsync(), Does.Not.Contain(newSecret));
        await ConfirmAsync();

        await Expect(Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync("secret: type it once more");
        await Expect(Page.GetByLabel("Description")).ToHaveValueAsync("Tells the shop.");
        Assert.That(await Page.ContentAsync(), Does.Not.Contain(newSecret));
        await Page.GetByLabel("Secret", new() { Exact = true }).FillAsync(newSecret);
        await Button("Store").ClickAsync();
        await Button("Test call").ClickAsync();
        await Expect(Page.Locator("#result")).ToContainTextAsync("It answered well.");
        Assert.That(receiver.Requests.Single().Headers["Authorization"], Is.EqualTo($"Bearer {newSecret}"));
    }

    [Test]
    public async Task A_fault_names_the_field_and_keeps_all_that_was_typed_but_the_secret()
    {
        Expected.Add("422");
        await Page.GotoAsync("/admin/new-webhook");
        await Page.GetByLabel("Key", new() { Exact = true }).FillAsync("talks");
        await Page.GetByLabel("URL").FillAsync("http://10.0.0.1/inside");
        await Page.GetByLabel("Secret", new() { Exact = true }).FillAsync(Secret);
        await Page.GetByLabel("Further headers").FillAsync("no colon");
        await Button("Make the webhook").ClickAsync();
        await Expect(Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync("headers: a line is not of the form Name: value.");
        await Page.GetByLabel("Further headers").FillAsync("");
        await Button("Make the webhook").ClickAsync();

        await Expect(Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync("'talks' is the key of a code handler");
        await Expect(Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync("10.0.0.1");
        await Expect(Page.GetByLabel("URL")).ToHaveValueAsync("http://10.0.0.1/inside");
        Assert.That(await Page.ContentAsync(), Does.Not.Contain(Secret));
    }

    private async Task ConfirmAsync()
    {
        await Page.GetByLabel("Password").FillAsync(Setup.Password);
        await Button("Confirm and go on").ClickAsync();
    }
}
