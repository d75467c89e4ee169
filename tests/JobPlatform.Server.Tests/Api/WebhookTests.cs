namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class WebhookTests
{
    private const string Secret = "marked-secret-of-a-webhook";
    private static readonly string Hook = $$"""{"key": "crm", "url": "https://hooks.example.com/crm", "auth": "bearer", "secret": "{{Secret}}"}""";

    [Test]
    public async Task A_webhook_is_made_changed_and_deleted_and_its_secret_is_never_read()
    {
        await using var host = await ApiHost.StartAsync();

        var made = await host.SendAsync("POST", "/api/job-handlers", Hook);
        var texts = new List<string> { await made.Content.ReadAsStringAsync() };
        Assert.That((int)made.StatusCode, Is.EqualTo(201), texts[0]);
        var changed = await host.SendAsync("PATCH", "/api/job-handlers/crm", """{"description": "to the CRM", "timeout_seconds": 5}""", made.Headers.ETag!.Tag);
        texts.Add(await changed.Content.ReadAsStringAsync());
        texts.Add((await host.GetAsync("/api/job-handlers/crm")).GetRawText());
        texts.Add((await host.GetAsync("/api/job-handlers")).GetRawText());
        texts.Add((await host.GetAsync("/api/audit")).GetRawText());
        var deleted = await host.SendAsync("DELETE", "/api/job-handlers/crm", ifMatch: changed.Headers.ETag!.Tag);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)changed.StatusCode, Is.EqualTo(200), texts[1]);
            Assert.That((int)deleted.StatusCode, Is.EqualTo(204));
            Assert.That(texts, Has.None.Contain(Secret));
            Assert.That(texts[2], Does.Contain("secret_changed_at"));
            Assert.That(host.Logs.Lines.Select(line => line.Text), Has.None.Contain(Secret));
            Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(actor || ' ' || action, ', ' ORDER BY id) FROM jobplatform.admin_logs"),
                Is.EqualTo("operator webhook.created, operator webhook.updated, operator webhook.deleted"));
        }
    }

    [TestCase("""{"key": "crm", "url": "http://127.0.0.1/"}""", "url")]
    [TestCase("""{"url": "https://hooks.example.com/"}""", "key")]
    [TestCase("""{"key": "crm", "url": "https://hooks.example.com/", "auth": "bearer", "secret": 12345678}""", "secret")]
    [TestCase("""{"key": "crm", "url": "https://hooks.example.com/", "auth": "bearer"}""", "secret")]
    [TestCase("""{"key": "crm", "url": "https://hooks.example.com/", "auth": "basicly", "colour": 1}""", "auth, colour")]
    [TestCase("""{"key": "cleanup-sessions", "url": "https://hooks.example.com/"}""", "key")]
    public async Task A_webhook_that_cannot_be_is_refused_and_no_secret_shown(string hook, string fields)
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.SendAsync("POST", "/api/job-handlers", hook)).ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo(fields));
        Assert.That(problem.GetRawText(), Does.Not.Contain("12345678"));
    }

    [Test]
    public async Task Another_version_another_key_or_another_host_without_the_secret_is_refused()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", "/api/job-handlers", Hook);

        await (await host.SendAsync("POST", "/api/job-handlers", Hook)).ShouldBeProblemAsync(409, "handler-exists");
        await (await host.SendAsync("PATCH", "/api/job-handlers/crm", "{}", "\"7\"")).ShouldBeProblemAsync(412, "version-changed");
        await (await host.SendAsync("PATCH", "/api/job-handlers/crm", "{}")).ShouldBeProblemAsync(428, "version-required");
        await (await host.SendAsync("PATCH", "/api/job-handlers/nowhere", "{}", "*")).ShouldBeProblemAsync(404, "handler-not-found");
        Assert.That((await (await host.SendAsync("PATCH", "/api/job-handlers/crm", """{"key": "other"}""", "*")).ShouldBeProblemAsync(422, "invalid-request")).Fields(), Is.EqualTo("key"));
        Assert.That((await (await host.SendAsync("PATCH", "/api/job-handlers/crm", """{"url": "https://evil.example.org/"}""", "*")).ShouldBeProblemAsync(422, "invalid-request")).Fields(), Is.EqualTo("secret"));
    }

    [Test]
    public async Task A_test_calls_the_receiver_and_tells_what_it_answered_without_the_secret()
    {
        // It repeats what it was sent.
        await using var receiver = await HttpReceiver.StartAsync(async http => await http.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"got {http.Request.Headers.Authorization}")));
        await using var host = await ApiHost.StartAsync(settings: "OUTGOING_ALLOW=127.0.0.1");
        await host.SendAsync("POST", "/api/job-handlers", Hook.Replace("https://hooks.example.com", $"http://127.0.0.1:{receiver.Port}", StringComparison.Ordinal));

        var answer = await host.SendAsync("POST", "/api/job-handlers/crm/test");

        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), text);
        Assert.That(text, Does.Contain("got Bearer ").And.Not.Contain(Secret));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT action FROM jobplatform.admin_logs ORDER BY id DESC LIMIT 1"), Is.EqualTo("webhook.tested"));
    }
}
