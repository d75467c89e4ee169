using System.Text.RegularExpressions;

namespace JobPlatform.Server.Tests.Cli;

public sealed partial class AccessTests
{
    [Test]
    public async Task Init_makes_the_first_admin_and_shows_a_password_that_it_made_once()
    {
        await using var cli = await CommandLineFixture.CreateEmptyAsync();

        var first = await cli.RunAsync("init", "--admin-email", "Ada@example.com");
        var second = await cli.RunAsync("init", "--admin-email", "eve@example.com", "--admin-password", "another-password");

        var password = Password().Match(first.Output).Groups[1].Value;
        Assert.Multiple(() =>
        {
            Assert.That(first.Output, Does.Contain("Admins: ada@example.com may sign in."), first.Errors);
            Assert.That(password, Has.Length.EqualTo(20));
            Assert.That(second.Output, Does.Contain("Admins: there already.").And.Not.Contain("Password"));
        });
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(email || ' ' || role, ',') FROM jobplatform.admin_users"), Is.EqualTo("ada@example.com admin"));
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(a::text, '') FROM jobplatform.admin_logs a"), Does.Contain("admin.added").And.Not.Contain(password));
    }

    [Test]
    public async Task Accounts_are_made_listed_reset_and_disabled_and_all_of_it_is_audited()
    {
        await using var cli = await CommandLineFixture.CreateAsync();

        var added = await cli.RunAsync("admins", "add", "vera@example.com", "--role", "viewer", "--password", "a-password-for-tests");
        var twice = await cli.RunAsync("admins", "add", "vera@example.com");
        var reset = await cli.RunAsync("admins", "reset", "vera@example.com");
        var disabled = await cli.RunAsync("admins", "disable", "VERA@example.com");
        var list = await cli.RunAsync("admins", "list", "--json");
        var unknown = await cli.RunAsync("admins", "reset", "vara@example.com");

        Assert.Multiple(() =>
        {
            Assert.That(added.Output, Is.EqualTo("vera@example.com may sign in as viewer.\n"), added.Errors);
            Assert.That((twice.ExitCode, twice.Errors), Is.EqualTo((2, "There is an account vera@example.com already. 'jobplatform admins reset vera@example.com' gives it a new password.\n")));
            Assert.That(reset.Output, Does.Match("^vera@example.com has a new password.\nPassword: [A-Za-z0-9]{20}\n$"), reset.Errors);
            Assert.That(disabled.Output, Is.EqualTo("vera@example.com is disabled.\n"), disabled.Errors);
            Assert.That(list.Json[0].GetProperty("is_disabled").GetBoolean());
            Assert.That(list.Output, Does.Not.Contain("hash").And.Not.Contain("stamp"));
            Assert.That(unknown.Errors, Does.StartWith("There is no account vara@example.com. Did you mean vera@example.com?"));
        });
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', actor, action, subject), ', ' ORDER BY id) FROM jobplatform.admin_logs"), Is.EqualTo(
            "cli:ME admin.added vera@example.com, cli:ME admin.reset vera@example.com, cli:ME admin.disabled vera@example.com"
                .Replace("ME", System.Environment.UserName, StringComparison.Ordinal)));
    }

    [Test]
    public async Task A_client_gets_a_key_on_standard_output_alone_and_can_be_disabled()
    {
        await using var cli = await CommandLineFixture.CreateAsync();

        var added = await cli.RunAsync("clients", "add", "shop", "--scope", "jobs:run", "--scope", "runs:read", "--company", "acme");
        var disabled = await cli.RunAsync("clients", "disable", "shop");
        var list = await cli.RunAsync("clients", "list");
        var unknown = await cli.RunAsync("clients", "disable", "shpo");

        Assert.Multiple(() =>
        {
            Assert.That(added.Output, Does.Match("^jpc_[A-Za-z0-9_-]{43}\n$"), added.Errors);
            Assert.That(disabled.Output, Is.EqualTo("shop is disabled.\n"), disabled.Errors);
            Assert.That(list.Output, Does.Contain("shop").And.Contain("disabled").And.Contain("acme").And.Contain("jobs:run runs:read").And.Not.Contain(added.Output.Trim()));
            Assert.That(unknown.Errors, Does.StartWith("There is no client 'shpo'. Did you mean shop?"));
        });
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', action, details), ', ' ORDER BY id) FROM jobplatform.admin_logs"), Is.EqualTo(
            """client.added {"after": {"scopes": ["jobs:run", "runs:read"], "company": "acme"}, "before": null}, client.disabled"""));
    }

    [TestCase("--scope: 'job:run' is not one of", "clients", "add", "shop", "--scope", "job:run")]
    [TestCase("Option '--scope' is required.", "clients", "add", "shop")]
    [TestCase("name: 'My Shop' is no client's name", "clients", "add", "My Shop", "--scope", "jobs:run")]
    [TestCase("email: 'ada' is not an address", "admins", "add", "ada")]
    [TestCase("password: it has 5 characters and needs at least 12.", "admins", "add", "ada@example.com", "--password", "short")]
    [TestCase("--admin-email: 'ada' is not an address", "init", "--admin-email", "ada")]
    [TestCase("--admin-password: it is given without --admin-email.", "init", "--admin-password", "a-password-for-tests")]
    public async Task What_does_not_do_is_refused_with_a_sentence_before_anything_is_done(string sentence, params string[] arguments)
    {
        await using var cli = await CommandLineFixture.CreateAsync();

        var result = await cli.RunAsync(arguments);

        Assert.That((result.ExitCode, result.Errors), Is.EqualTo((2, result.Errors)));
        Assert.That(result.Errors, Does.StartWith(sentence));
        Assert.That(await cli.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.admin_logs"), Is.Zero);
    }

    [GeneratedRegex("Password: ([A-Za-z0-9]+)\n")]
    private static partial Regex Password();
}
