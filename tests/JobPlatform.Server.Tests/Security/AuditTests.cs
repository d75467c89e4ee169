using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using JobPlatform.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Security;

public sealed class AuditTests
{
    [Test]
    public async Task An_entry_belongs_to_the_transaction_of_what_it_tells_about()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = new PlatformDatabase(database.ConnectionString);
        var audit = new AuditLog(platform, new SecretRedactor([]));
        await using (var connection = await platform.OpenAsync())
        await using (await connection.BeginTransactionAsync())
            await audit.AppendAsync(connection, new(Actor.Operator, "job.deleted", "tidy"));

        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.admin_logs"), Is.Zero);
    }

    [Test]
    public async Task Details_show_what_changed_and_no_secret()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = new PlatformDatabase(database.ConnectionString);
        var audit = new AuditLog(platform, new SecretRedactor(["a-secret-of-the-settings"]));
        var before = JsonSerializer.Deserialize<JsonElement>("""{"url": "https://u:p4ss@hook.example/a", "timeout": 5, "name": "same", "config": {"api_key": "k1", "list": [{"Password": "p1"}]}}""");
        var after = JsonSerializer.Deserialize<JsonElement>("""{"url": "https://hook.example/a-secret-of-the-settings", "timeout": 9, "name": "same", "config": {"api_key": "k2", "has_token": true, "list": []}, "secret": {"a": "s1"}}""");

        await audit.AppendAsync(new(new("admin:ada@example.com", System.Net.IPAddress.Parse("2001:db8::1")), "handler.changed", "hook\0") { Details = AuditEntry.Change(before, after) });

        Assert.That(await database.ScalarAsync<string>("SELECT concat_ws(' ', actor, action, subject, host(address), details) FROM jobplatform.admin_logs"), Is.EqualTo(
            "admin:ada@example.com handler.changed hook\uFFFD 2001:db8::1 " +
            """{"after": {"url": "https://hook.example/[secret]", "config": {"list": [], "api_key": "[secret]", "has_token": true}, "secret": "[secret]", "timeout": 9}, "before": {"url": "https://[secret]@hook.example/a", "config": {"list": [{"Password": "[secret]"}], "api_key": "[secret]"}, "timeout": 5}}"""));
    }

    [Test]
    public async Task A_refused_change_leaves_no_entry()
    {
        await using var host = await ApiHost.StartAsync();
        var accounts = host.Services.GetRequiredService<AdminAccounts>();

        await accounts.DisableAsync("nobody@example.com", Actor.CommandLine);
        await host.Services.GetRequiredService<ApiClients>().DisableAsync("nobody", Actor.CommandLine);
        await host.RunAsync("""{"job": "nowhere"}""");

        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.admin_logs"), Is.Zero);
    }
}
