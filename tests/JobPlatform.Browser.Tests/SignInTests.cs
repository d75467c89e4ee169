using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

public sealed class SignInTests : PageTests
{
    protected override string? Account => null;

    [Test]
    public async Task Whoever_is_not_signed_in_comes_to_the_sign_in_and_then_to_the_page_that_was_asked_for()
    {
        await Page.GotoAsync("/admin/runs?q=status%3Afailed");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();

        await Page.GetByLabel("E-mail").FillAsync(Setup.Admin);
        await Page.GetByLabel("Password").FillAsync(Setup.Password);
        await PressAsync("Enter");

        await ComeToAsync("/admin/runs?q=status%3Afailed");
        await Expect(Page.GetByText(Setup.Admin)).ToBeVisibleAsync();
        await Button("Sign out").ClickAsync();
        await ComeToAsync("/admin/sign-in");
        await Page.GotoAsync("/admin");
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
    }

    [Test]
    public async Task A_wrong_password_says_so_and_keeps_the_address_and_the_way_back()
    {
        Expected.Add("401");
        await Page.GotoAsync("/admin/sign-in?return_to=%2Fadmin%2Fjobs");
        await Page.GetByLabel("E-mail").FillAsync(Setup.Admin);
        await Page.GetByLabel("Password").FillAsync("wrong");
        await Button("Sign in").ClickAsync();

        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("do not fit");
        await Expect(Page.GetByLabel("E-mail")).ToHaveValueAsync(Setup.Admin);
        await Page.GetByLabel("Password").FillAsync(Setup.Password);
        await Button("Sign in").ClickAsync();
        await ComeToAsync("/admin/jobs");
    }

    [Test]
    public async Task What_cannot_be_taken_back_asks_for_the_password_and_then_goes_on()
    {
        Expected.AddRange(["403", "401"]);
        var job = await AddJobAsync("confirmed");
        var run = await RunAsync(job);
        await OpenAsync(Setup.LaterHost, account: Setup.Admin);
        await Page.GotoAsync($"/admin/jobs/{job}");
        await Page.GetByText("Delete this job").ClickAsync();
        await Button($"Delete {job}").ClickAsync();

        await Expect(Page.GetByRole(AriaRole.Heading, new() { Name = "Confirm that it is you" })).ToBeVisibleAsync();
        Assert.That(await Setup.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM jobplatform.jobs WHERE name = @job)", new { job }), "It must not be done before the password.");
        await Page.GetByLabel("Password").FillAsync("wrong");
        await Button("Confirm and go on").ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("do not fit");
        await Page.GetByLabel("Password").FillAsync(Setup.Password);
        await Button("Confirm and go on").ClickAsync();

        await ComeToAsync("/admin/jobs");
        await Expect(Page.GetByText($"{job} is deleted.")).ToBeVisibleAsync();
        await Page.GotoAsync($"/admin/runs?q=job%3A{job}");
        await Expect(Page.Locator($"[data-row] a[href$='{run}']").First).ToBeVisibleAsync();
        await Page.GotoAsync($"/admin/runs/{run}");
        await Expect(Page.Locator("h1")).ToContainTextAsync($"{job} (deleted)");
        Assert.That(await Setup.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM jobplatform.jobs WHERE name = @job)", new { job }), Is.False);
    }
}
