using JobPlatform.Core.Administration;
using JobPlatform.Core.Directories;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace JobPlatform.Browser.Tests;

public sealed class DirectoriesTests : PageTests
{
    [OneTimeSetUp]
    public Task MakeJobAsync() => AddJobAsync("directories", "sync-directory");

    [Test]
    public async Task A_connection_is_made_tested_synced_changed_after_the_password_and_deleted()
    {
        Expected.Add("403");
        await using var stub = await ScimStub.StartAsync(users: 7);
        var name = NewName("staff");
        await Page.GotoAsync("/admin/directory");
        await Link("New SCIM").ClickAsync();
        await Page.GetByLabel("Company").FillAsync("acme");
        await Page.GetByLabel("Name").FillAsync(name);
        await Page.GetByLabel("URL").FillAsync(stub.Url);
        await Page.GetByLabel("Bearer token").FillAsync(ScimStub.Token);
        await Button("Make the connection").ClickAsync();
        await Expect(Page.GetByText($"{name} is made.")).ToBeVisibleAsync();
        Assert.That(await Page.ContentAsync(), Does.Not.Contain(ScimStub.Token));
        var address = Page.Url;

        await Button("Test").ClickAsync();
        await Expect(Page.Locator("#result")).ToContainTextAsync("The first of them: user1, user2, user3, user4, user5.");
        await Button("Sync now").ClickAsync();
        await ComeToAsync("/admin/runs/*");
        await WaitForEndAsync(Guid.Parse(new Uri(Page.Url).Segments[^1]));
        await Page.GotoAsync(address);
        await Expect(Page.Locator("#last")).ToContainTextAsync("success");
        await Expect(Page.Locator("#last .json")).ToContainTextAsync("users_read");
        Assert.That(await Setup.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.directory_users u JOIN jobplatform.directory_connections c ON c.id = u.connection_id WHERE c.name = @name", new { name }), Is.EqualTo(7));

        await OpenAsync(Setup.LaterHost);
        await Page.GotoAsync(address.Replace(Setup.Host.Address, "", StringComparison.Ordinal));
        await Link("Edit").ClickAsync();
        await Page.GetByLabel("Password").FillAsync(Setup.Password);
        await Button("Confirm and go on").ClickAsync();
        await Page.GetByLabel("Minutes between syncs").FillAsync("90");
        await Button("Store").ClickAsync();
        await Expect(Page.GetByText($"{name} is stored as version 2.")).ToBeVisibleAsync();
        await Expect(Page.Locator("#definition")).ToContainTextAsync("every 90 minutes");

        await Page.GetByText("Delete this connection").ClickAsync();
        await Button($"Delete {name}").ClickAsync();
        await Expect(Page.GetByText($"{name} is deleted with its secret, users and groups.")).ToBeVisibleAsync();
        await Expect(Row(name)).ToHaveCountAsync(0);
    }

    [Test]
    public async Task What_an_LDAP_connection_lacks_is_named_by_field_and_all_but_the_password_stays_typed()
    {
        Expected.Add("422");
        await Page.GotoAsync("/admin/directory");
        await Link("New Active Directory").ClickAsync();
        await Page.GetByLabel("Company").FillAsync("acme");
        await Page.GetByLabel("Name", new() { Exact = true }).FillAsync(NewName("staff"));
        await Page.GetByLabel("URL").FillAsync("ldaps://directory.example.com");
        await Page.GetByLabel("Who binds").FillAsync("cn=reader,dc=example,dc=com");
        await Page.GetByLabel("Users are below").FillAsync("dc=example,dc=com");
        await Page.GetByLabel("Filter of users").FillAsync("(uid=a");
        await Page.GetByLabel("Minutes between syncs").FillAsync("5");
        await Page.GetByText("Attributes").ClickAsync();
        await Expect(Page.GetByLabel("User name")).ToHaveValueAsync("sAMAccountName");
        await Button("Make the connection").ClickAsync();

        var faults = Page.GetByRole(AriaRole.Alert);
        foreach (var field in new[] { "ldap.user_filter", "interval_minutes", "secret" }) await Expect(faults).ToContainTextAsync($"{field}: ");
        await Expect(Page.GetByLabel("Filter of users")).ToHaveValueAsync("(uid=a");
        await Expect(Page.GetByLabel("Check the certificate")).ToBeCheckedAsync();
        await Page.GetByLabel("Password").FillAsync("a-password-of-a-directory");
        await Button("Make the connection").ClickAsync();
        await Expect(faults).Not.ToContainTextAsync("secret: ");
        Assert.That(await Page.ContentAsync(), Does.Not.Contain("a-password-of-a-directory"));
    }

    [Test]
    public async Task A_sync_that_was_refused_says_why_and_goes_on_when_it_is_forced()
    {
        await using var stub = await ScimStub.StartAsync(users: 7);
        var name = NewName("shrinks");
        var connections = Setup.Host.Services.GetRequiredService<DirectoryStore>();
        var made = (DirectoryAnswer.Done)await connections.CreateAsync(
            new() { Company = "acme", Name = name, Kind = DirectoryKind.Scim, Url = stub.Url }, ScimStub.Token, Actor.CommandLine);
        await SyncAsync(made.Connection.Id, "Sync now");
        lock (stub.Gate) stub.Users.RemoveRange(1, 6);
        await SyncAsync(made.Connection.Id, "Sync now");
        await Page.GotoAsync("/admin/directory");
        await Expect(Row(name)).ToContainTextAsync("fewer than half of the known users");
        await SyncAsync(made.Connection.Id, "Sync with force");

        await Expect(Page.Locator("#last")).ToContainTextAsync("success");
    }

    private async Task SyncAsync(Guid id, string button)
    {
        await Page.GotoAsync($"/admin/directory/{id}");
        await Button(button).ClickAsync();
        await ComeToAsync("/admin/runs/*");
        await WaitForEndAsync(Guid.Parse(new Uri(Page.Url).Segments[^1]));
        await Page.GotoAsync($"/admin/directory/{id}");
    }
}
