using JobPlatform.Core.Administration;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Api;

public sealed class DirectoryTests
{
    private const string Secret = "marked-secret-of-a-directory";

    private static readonly string Ldap =
        $$"""{"company": "acme", "name": "staff", "kind": "ldap", "url": "ldaps://directory.example.com", "secret": "{{Secret}}", "ldap": {"bind_dn": "cn=reader,dc=example,dc=com", "base_dn": "dc=example,dc=com"} }""";

    [Test]
    public async Task A_connection_is_made_changed_and_deleted_and_its_secret_is_never_read()
    {
        await using var host = await ApiHost.StartAsync();

        var made = await host.SendAsync("POST", "/api/directory", Ldap);
        var texts = new List<string> { await made.Content.ReadAsStringAsync() };
        Assert.That((int)made.StatusCode, Is.EqualTo(201), texts[0]);
        var address = made.Headers.Location!.OriginalString;
        var changed = await host.SendAsync("PATCH", address, """{"interval_minutes": 120, "ldap": {"user_name_attribute": "cn"}}""", made.Headers.ETag!.Tag);
        texts.Add(await changed.Content.ReadAsStringAsync());
        texts.Add((await host.GetAsync(address)).GetRawText());
        texts.Add((await host.GetAsync("/api/directory")).GetRawText());
        texts.Add((await host.GetAsync("/api/audit")).GetRawText());
        await (await host.SendAsync("POST", "/api/directory", Ldap)).ShouldBeProblemAsync(409, "directory-exists");
        await (await host.SendAsync("PATCH", address, "{}", "\"7\"")).ShouldBeProblemAsync(412, "version-changed");
        Assert.That((await (await host.SendAsync("PATCH", address, """{"url": "ldaps://evil.example.org"}""", "*")).ShouldBeProblemAsync(422, "invalid-request")).Fields(), Is.EqualTo("secret"));
        Assert.That((await (await host.SendAsync("PATCH", address, """{"company": "other", "kind": "scim", "ldap": null}""", "*")).ShouldBeProblemAsync(422, "invalid-request")).Fields(), Does.StartWith("company, kind"));
        var deleted = await host.SendAsync("DELETE", address, ifMatch: changed.Headers.ETag!.Tag);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)changed.StatusCode, Is.EqualTo(200), texts[1]);
            Assert.That(texts[1], Does.Contain("\"user_name_attribute\":\"cn\"").And.Contain("\"base_dn\":\"dc=example,dc=com\""), "one setting changes, the others stay");
            Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
            Assert.That(texts, Has.None.Contain(Secret));
            Assert.That(texts[2], Does.Contain("secret_changed_at"));
            Assert.That(host.Logs.Lines.Select(line => line.Text), Has.None.Contain(Secret));
            Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(actor || ' ' || action, ', ' ORDER BY id) FROM jobplatform.admin_logs"),
                Is.EqualTo("operator directory.created, operator directory.updated, operator directory.deleted"));
        }
    }

    [TestCase("""{"name": "a", "kind": "scim", "url": "https://d.example.com", "secret": "x"}""", "company")]
    [TestCase("""{"company": "acme", "name": "a", "kind": "scim", "url": "https://d.example.com"}""", "secret")]
    [TestCase("""{"company": "acme", "name": "a", "kind": "scim", "url": "https://d.example.com", "secret": 12345678}""", "secret")]
    [TestCase("""{"company": "acme", "name": "a", "kind": "scim", "url": "http://d.example.com", "secret": "x"}""", "url")]
    [TestCase("""{"company": "acme", "name": "a", "kind": "scim", "url": "https://10.0.0.1/", "secret": "x"}""", "url")]
    [TestCase("""{"company": "acme", "name": "a", "kind": "ldap", "url": "ldaps://127.0.0.1", "ldap": {"base_dn": "dc=x"}}""", "url")]
    [TestCase("""{"company": "acme", "name": "a", "kind": "ldap", "url": "ldaps://d.example.com", "interval_minutes": 5}""", "interval_minutes, ldap")]
    [TestCase("""{"company": "acme", "name": "a", "kind": "ldap", "url": "ldaps://d.example.com/dc=x", "ldap": {"user_filter": "(uid=a", "id_attribute": "a b", "ca_certificates": "x"}}""",
        "url, ldap.base_dn, ldap.user_filter, ldap.id_attribute, ldap.ca_certificates")]
    public async Task A_connection_that_cannot_be_is_refused_and_no_secret_shown(string connection, string fields)
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.SendAsync("POST", "/api/directory", connection)).ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo(fields));
        Assert.That(problem.GetRawText(), Does.Not.Contain("12345678"));
    }

    [Test]
    public async Task A_test_says_what_is_wrong_and_is_audited()
    {
        await using var stub = await ScimStub.StartAsync(users: 7);
        await using var host = await StartAsync();
        var id = await AddAsync(host, "acme", stub.Url);

        var good = await (await host.SendAsync("POST", $"/api/directory/{id}/test")).ReadAsync();
        stub.Users.Clear();
        var empty = await (await host.SendAsync("POST", $"/api/directory/{id}/test")).ReadAsync();

        Assert.That($"{good}", Is.EqualTo("""{"fault":null,"message":"It answers, and has users.","users":["user1","user2","user3","user4","user5"]}"""));
        Assert.That($"{empty.GetProperty("fault")}", Is.EqualTo("no_rows"));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT action FROM jobplatform.admin_logs ORDER BY id DESC LIMIT 1"), Is.EqualTo("directory.tested"));
    }

    [Test]
    public async Task Fifty_who_ask_at_once_get_the_one_run()
    {
        await using var host = await StartAsync();
        var id = await AddAsync(host, "acme", "https://directory.example.com");
        await ActAsAsync(host, "acme");

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => host.SendAsync("POST", $"/api/directory/{id}/sync")));

        var runs = new HashSet<Guid>();
        foreach (var answer in answers)
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
            runs.Add((await answer.ReadAsync()).GetProperty("run_id").GetGuid());
        }
        Assert.That(runs, Has.Count.EqualTo(1));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', trigger, triggered_by, payload), ', ') FROM jobplatform.job_runs"),
            Is.EqualTo($"api client:acme-app {{\"connection_id\": \"{id}\"}}"));
    }

    [Test]
    public async Task Another_companys_connection_is_the_same_as_none()
    {
        await using var host = await StartAsync();
        var own = await AddAsync(host, "acme", "https://directory.example.com");
        var foreign = await AddAsync(host, "ACME", "https://directory.example.com");
        await host.Database.ExecuteAsync("UPDATE jobplatform.directory_connections SET is_enabled = false WHERE company = 'ACME'");
        await ActAsAsync(host, "acme");

        var refusals = new List<string>();
        foreach (var id in new[] { foreign, $"{Guid.NewGuid()}", $"{Guid.Empty}", "nowhere", own + "0" })
        {
            var answer = await host.SendAsync("POST", $"/api/directory/{id}/sync");
            refusals.Add($"{await answer.ShouldBeProblemAsync(404, "directory-not-found")}".Replace(id, "*", StringComparison.Ordinal));
        }

        Assert.That(refusals.Distinct().Count(), Is.EqualTo(1), string.Join('\n', refusals));
        await (await host.SendAsync("GET", $"/api/directory/{own}")).ShouldBeProblemAsync(403, "scope-missing");
        Assert.That(await host.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_runs"), Is.Zero);
    }

    [Test]
    public async Task A_disabled_connection_is_not_synced_and_force_needs_the_right_to_widen()
    {
        await using var host = await StartAsync();
        var id = await AddAsync(host, "acme", "https://directory.example.com");
        Assert.That((int)(await host.SendAsync("POST", $"/api/directory/{id}/sync", """{"force": true}""")).StatusCode, Is.EqualTo(202), "the operator may");
        await ActAsAsync(host, "acme");
        await (await host.SendAsync("POST", $"/api/directory/{id}/sync", """{"force": true}""")).ShouldBeProblemAsync(403, "scope-missing");

        await host.Database.ExecuteAsync("UPDATE jobplatform.directory_connections SET is_enabled = false");
        await (await host.SendAsync("POST", $"/api/directory/{id}/sync")).ShouldBeProblemAsync(409, "directory-disabled");
    }

    private static async Task<ApiHost> StartAsync()
    {
        var host = await ApiHost.StartAsync(settings: ["OUTGOING_ALLOW=127.0.0.1", "TRIGGERS_PER_MINUTE=1000"]);
        await host.AddJobAsync("sync-directory", "sync-directory");
        return host;
    }

    private static async Task<string> AddAsync(ApiHost host, string company, string url)
    {
        var answer = await host.SendAsync("POST", "/api/directory", $$"""{"company": "{{company}}", "name": "people", "kind": "scim", "url": "{{url}}", "secret": "{{ScimStub.Token}}"}""");
        Assert.That((int)answer.StatusCode, Is.EqualTo(201), await answer.Content.ReadAsStringAsync());
        return (await answer.ReadAsync()).GetProperty("id").GetString()!;
    }

    // From here on.
    private static async Task ActAsAsync(ApiHost host, string company) => host.Client.DefaultRequestHeaders.Authorization = Answers.Bearer(
        (await host.Services.GetRequiredService<ApiClients>().AddAsync($"{company}-app", [ClientScopes.DirectorySync], company, Actor.CommandLine))!);
}
