using JobPlatform.Core.Administration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

// One browser and one worker for all: they share two processors, and each test has rows of its own.
[assembly: NonParallelizable]

namespace JobPlatform.Browser.Tests;

/// <summary>What all tests share: a database, a server with a worker, a second node on which it is later, a browser.</summary>
[SetUpFixture]
public sealed class Setup
{
    public const string Admin = "ada@example.com";
    public const string Viewer = "vera@example.com";
    public const string Password = "a-password-for-tests";

    private static IPlaywright? _playwright;

    internal static TestDatabase Database { get; private set; } = null!;

    internal static AdminHost Host { get; private set; } = null!;

    /// <summary>Sessions of the other node are good here, and their passwords were shown too long ago.</summary>
    internal static AdminHost LaterHost { get; private set; } = null!;

    internal static IBrowser Browser { get; private set; } = null!;

    /// <summary>The cookies of a session, by the account.</summary>
    internal static Dictionary<string, string> Sessions { get; } = [];

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (Chromium.Path is null)
        {
            const string missing = "There is no Chromium: tests/chromium/install.sh installs one.";
            if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail(missing);
            Assert.Ignore(missing);
        }
        Database = await TestDatabase.CreateWithSampleAsync();
        Host = await AdminHost.StartAsync(Database, TimeProvider.System, runsJobs: true);
        LaterHost = await AdminHost.StartAsync(Database, new LaterClock(TimeSpan.FromMinutes(11)), runsJobs: false);
        var accounts = Host.Services.GetRequiredService<AdminAccounts>();
        await accounts.AddAsync(Admin, AdminRole.Admin, Password, Actor.CommandLine);
        await accounts.AddAsync(Viewer, AdminRole.Viewer, Password, Actor.CommandLine);
        _playwright = await Playwright.CreateAsync();
        Browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium.Path, Args = ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"] });
        Assertions.SetDefaultExpectTimeout(30_000);
        foreach (var account in new[] { Admin, Viewer }) Sessions[account] = await SignInAsync(account);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (Browser is not null) await Browser.DisposeAsync();
        _playwright?.Dispose();
        if (LaterHost is not null) await LaterHost.DisposeAsync();
        if (Host is not null) await Host.DisposeAsync();
        if (Database is not null) await Database.DisposeAsync();
    }

    private static async Task<string> SignInAsync(string account)
    {
        await using var context = await Browser.NewContextAsync(new() { BaseURL = Host.Address });
        context.SetDefaultTimeout(60_000);
        var page = await context.NewPageAsync();
        await page.GotoAsync("/admin/sign-in");
        await page.GetByLabel("E-mail").FillAsync(account);
        await page.GetByLabel("Password").FillAsync(Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        // The first pages of all: much is compiled for them.
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Overview" })).ToBeVisibleAsync(new() { Timeout = 60_000 });
        return await context.StorageStateAsync();
    }
}
