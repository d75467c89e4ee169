using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Webhooks;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Tests.Webhooks;

public sealed class WebhookStoreTests
{
    private const string Secret = "marked-secret-of-a-webhook";
    private static readonly WebhookDefinition Example = new() { Key = "crm", Url = "https://hooks.example.com/crm" };

    [Test]
    public async Task What_was_created_is_read_updated_and_deleted_and_each_change_is_audited()
    {
        await using var bench = await StoreBench.StartAsync();
        var created = await DoAsync(bench.Store.CreateAsync(Example with { Auth = WebhookAuth.ApiKey, Headers = new Dictionary<string, string> { ["X-Team"] = "growth" } },
            new WebhookSecrets { Auth = Secret }, new("ada")));
        var updated = await DoAsync(bench.Store.UpdateAsync(created with { Url = "https://hooks.example.com/other", TimeoutSeconds = 5 }, 1, WebhookSecrets.Unchanged, new("bob")));
        var read = await bench.Store.FindAsync("crm");
        var deleted = await DoAsync(bench.Store.DeleteAsync("crm", 2, new("eve")));

        Assert.That((created.Version, created.AuthName, created.SecretChangedAt is not null, created.SigningSecretChangedAt), Is.EqualTo((1, "X-API-Key", true, (DateTimeOffset?)null)));
        Assert.That((updated.Version, updated.TimeoutSeconds, updated.SecretChangedAt), Is.EqualTo((2, 5, created.SecretChangedAt)));
        Assert.That((read!.Url, read.Headers["X-Team"], read.UpdatedAt), Is.EqualTo((updated.Url, "growth", updated.UpdatedAt)));
        Assert.That(deleted.Key, Is.EqualTo("crm"));
        Assert.That(await bench.Store.FindAsync("crm"), Is.Null);
        Assert.That(await bench.Database.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(' ', actor, action, subject, details #>> '{before,url}', details #>> '{after,url}'), ', ' ORDER BY id) FROM jobplatform.admin_logs"),
            Is.EqualTo("ada webhook.created crm https://hooks.example.com/crm, " +
                       "bob webhook.updated crm https://hooks.example.com/crm https://hooks.example.com/other, eve webhook.deleted crm https://hooks.example.com/other"));
    }

    [Test]
    public async Task A_change_of_a_version_that_somebody_else_has_changed_is_refused()
    {
        await using var bench = await StoreBench.StartAsync();
        await DoAsync(bench.Store.CreateAsync(Example, WebhookSecrets.Unchanged, new("ada")));
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            bench.Store.UpdateAsync(Example with { Description = $"by {i}" }, 1, WebhookSecrets.Unchanged, new($"{i}"))));
        var late = await bench.Store.DeleteAsync("crm", 1, new("late"));
        var again = await bench.Store.CreateAsync(Example, WebhookSecrets.Unchanged, new("again"));
        var unknown = await bench.Store.UpdateAsync(Example with { Key = "none" }, 1, WebhookSecrets.Unchanged, new("test"));

        Assert.That(answers.Count(answer => answer is WebhookAnswer.Done), Is.EqualTo(1));
        Assert.That(answers.OfType<WebhookAnswer.Conflict>().Select(conflict => conflict.Message).Distinct(),
            Is.EqualTo((string[])["The webhook 'crm' is at version 2, not 1: somebody changed it meanwhile. Read it again."]));
        Assert.That((late, again, unknown), Is.EqualTo((
            new WebhookAnswer.Conflict("The webhook 'crm' is at version 2, not 1: somebody changed it meanwhile. Read it again."),
            new WebhookAnswer.Conflict("There is a webhook 'crm' already. Change that one, or choose another key."),
            new WebhookAnswer.Unknown("There is no webhook 'none'. 'jobplatform webhooks list' shows them all."))));
    }

    [Test]
    public async Task Webhooks_are_listed_by_key_page_by_page()
    {
        await using var bench = await StoreBench.StartAsync();
        foreach (var key in (string[])["c", "a", "b"]) await DoAsync(bench.Store.CreateAsync(Example with { Key = key }, WebhookSecrets.Unchanged, new("ada")));

        Assert.That((await bench.Store.ListAsync(null, 2)).Select(webhook => webhook.Key), Is.EqualTo((string[])["a", "b"]));
        Assert.That((await bench.Store.ListAsync("b", 2)).Select(webhook => webhook.Key), Is.EqualTo((string[])["c"]));
    }

    [Test]
    public async Task The_secret_of_one_host_is_not_sent_to_another_that_the_URL_is_changed_to()
    {
        await using var bench = await StoreBench.StartAsync();
        var webhook = await DoAsync(bench.Store.CreateAsync(Example with { Auth = WebhookAuth.Bearer }, new WebhookSecrets { Auth = Secret }, new("ada")));
        var moved = webhook with { Url = "https://attacker.example.com/" };

        var refused = await bench.Store.UpdateAsync(moved, 1, WebhookSecrets.Unchanged, new("eve"));
        var given = await DoAsync(bench.Store.UpdateAsync(moved, 1, new WebhookSecrets { Auth = Secret + "2" }, new("eve")));

        Assert.That(Faults(refused), Is.EqualTo("secret: the URL leads to another host now. Give the secret again, as the stored one is sent only where it was meant for."));
        Assert.That(given.Version, Is.EqualTo(2));
    }

    [Test]
    public async Task Secrets_can_be_replaced_and_taken_away_and_only_the_time_of_their_change_is_told()
    {
        await using var bench = await StoreBench.StartAsync();
        var signing = WebhookSignature.CreateSecret();
        var first = await DoAsync(bench.Store.CreateAsync(Example with { Auth = WebhookAuth.Bearer }, new WebhookSecrets { Auth = Secret, Signing = signing }, new("ada")));
        var replaced = await DoAsync(bench.Store.UpdateAsync(first, 1, new WebhookSecrets { Auth = Secret }, new("ada")));
        var bare = await DoAsync(bench.Store.UpdateAsync(first with { Auth = WebhookAuth.None }, 2, new WebhookSecrets { Signing = "" }, new("ada")));

        Assert.That((replaced.SecretChangedAt > first.SecretChangedAt, replaced.SigningSecretChangedAt), Is.EqualTo((true, first.SigningSecretChangedAt)));
        Assert.That((bare.SecretChangedAt, bare.SigningSecretChangedAt), Is.EqualTo(((DateTimeOffset?)null, (DateTimeOffset?)null)));
        Assert.That(await bench.Database.ScalarAsync<bool>(
            "SELECT bool_or(concat(h::text, a::text) ~ @pattern) FROM jobplatform.admin_logs a, jobplatform.job_handlers h", new { pattern = $"{Secret}|{signing[6..30]}" }), Is.False);
    }

    [TestCase("X-Gitlab-Token", "x")]
    [TestCase("X-Api-Key", "x")]
    [TestCase("apikey", "x")]
    [TestCase("Cookie", "x")]
    [TestCase("X-Auth", "x")]
    [TestCase("Ocp-Apim-Subscription-Key", "x")]
    [TestCase("x-functions-key", "x")]
    [TestCase("X-Webhook-Secret", "x")]
    [TestCase("X-Custom", "Bearer abcdefgh")]
    [TestCase("X-Custom", "basic dTpw")]
    public async Task A_header_that_holds_a_secret_is_refused_and_one_written_by_hand_is_neither_shown_nor_sent(string name, string value)
    {
        await using var bench = await StoreBench.StartAsync();
        var hidden = value == "x" ? "told-in-confidence" : value;

        var answer = await bench.Store.CreateAsync(Example with { Headers = new Dictionary<string, string> { [name] = value, ["Idempotency-Key"] = "a", ["X-Author"] = "b" } }, WebhookSecrets.Unchanged, new("ada"));
        await bench.Database.ExecuteAsync("INSERT INTO jobplatform.job_handlers (key, url, headers) VALUES ('by-hand', 'https://hooks.example.com/', jsonb_build_object(@name, @hidden))", new { name, hidden });
        var (webhook, faults) = (await bench.Store.CheckAsync(null, 10)).Single();

        Assert.That(Faults(answer), Does.StartWith($"headers: '{name}' holds a secret").And.Not.Contain("\n"));
        Assert.That(webhook.Headers[name], Is.EqualTo("[secret]"));
        Assert.That(faults.Single(), Does.StartWith($"headers: '{name}' holds a secret").And.Not.Contain(hidden));
    }

    [Test]
    public async Task All_faults_of_a_webhook_are_found_at_once()
    {
        await using var bench = await StoreBench.StartAsync();

        var answer = await bench.Store.CreateAsync(new WebhookDefinition
        {
            Key = "nothing", Url = "http://localhost/", Method = "GET", Auth = WebhookAuth.Header, TimeoutSeconds = 0, Description = new string('x', 2001),
            Headers = new Dictionary<string, string> { ["X-A"] = "a\r\nX-B: b", ["X-C\r\nX-D"] = "d", ["Host"] = "inside", ["Authorization"] = "Bearer x", ["ok"] = "", ["OK"] = "ü" },
        }, new WebhookSecrets { Auth = "line\nbreak", Signing = "whsec_short" }, new("ada"));

        Assert.That(Faults(answer).Split('\n'), Is.EqualTo((string[])
        [
            "key: 'nothing' is the key of a code handler, which would run instead. Choose another one.",
            "description: it has 2001 characters; at most 2000 are allowed, and no U+0000.",
            "url: 'localhost' is a name of the inside. Give one of the public internet, or let the operator allow it with OUTGOING_ALLOW.",
            "method: 'GET' is not POST or PUT.",
            "timeout_seconds: 0 is not a number of seconds from 1 to 3600.",
            "headers: a name stands there twice, as letters' case does not count. Leave one out.",
            "headers: the value of 'X-A' is not up to 1000 printable ASCII characters without a space at either end.",
            "headers: 'X-C??X-D' is no header's name: up to 100 letters, digits and dashes.",
            "headers: 'Host' is set by the platform. Leave it out.",
            "headers: 'Authorization' holds a secret, and headers are shown. Set it as auth header with that name, or as auth bearer, basic or api_key: that secret is sealed and never shown.",
            "headers: the value of 'OK' is not up to 1000 printable ASCII characters without a space at either end.",
            "auth_name: auth header needs the header's name.",
            "secret: it is not 8 to 1000 printable ASCII characters without a space at either end.",
            "signing_secret: it is not whsec_ followed by the base64 form of 24 to 64 bytes. Make one with 'jobplatform secrets new --signing'.",
        ]));
        Assert.That(await bench.Store.ListAsync(null, 10), Is.Empty);
    }

    [TestCase(WebhookAuth.None, "x", null, "auth_name: auth none has no name. Leave it out.")]
    [TestCase(WebhookAuth.Bearer, "x", Secret, "auth_name: auth bearer has no name. Leave it out.")]
    [TestCase(WebhookAuth.Basic, null, Secret, "auth_name: auth basic needs the user: up to 200 printable ASCII characters without a colon.")]
    [TestCase(WebhookAuth.Basic, "a:b", Secret, "auth_name: auth basic needs the user: up to 200 printable ASCII characters without a colon.")]
    [TestCase(WebhookAuth.ApiKey, "Content-Length", Secret, "auth_name: 'Content-Length' is set by the platform. Leave it out.")]
    [TestCase(WebhookAuth.Header, "X Y", Secret, "auth_name: 'X Y' is no header's name: up to 100 letters, digits and dashes.")]
    [TestCase(WebhookAuth.Bearer, null, null, "secret: auth bearer needs one, and none is stored.")]
    [TestCase(WebhookAuth.None, null, Secret, "secret: there is no use for it with auth none. Leave it out, or choose another auth.")]
    [TestCase(WebhookAuth.Bearer, null, "seven77", "secret: it is not 8 to 1000 printable ASCII characters without a space at either end.")]
    public async Task An_auth_that_could_not_be_sent_is_refused(WebhookAuth auth, string? name, string? secret, string fault)
    {
        await using var bench = await StoreBench.StartAsync();

        Assert.That(Faults(await bench.Store.CreateAsync(Example with { Auth = auth, AuthName = name }, new WebhookSecrets { Auth = secret }, new("ada"))), Is.EqualTo(fault));
    }

    private static string Faults(WebhookAnswer answer) => string.Join('\n', ((WebhookAnswer.Invalid)answer).Faults);

    private static async Task<Webhook> DoAsync(Task<WebhookAnswer> change) =>
        await change is WebhookAnswer.Done { Webhook: var webhook } ? webhook : throw new AssertionException($"Refused: {await change}");

    private sealed class StoreBench : IAsyncDisposable
    {
        private readonly PlatformDatabase _platform;

        private StoreBench(TestDatabase database)
        {
            Database = database;
            _platform = new PlatformDatabase(database.ConnectionString);
            Store = new WebhookHandlerStore(_platform, new HandlerCatalog([typeof(NothingHandler).Assembly], new ConfigurationBuilder().Build()),
                new AddressGuard(AllowList.Empty), new SecretBox(["kE7-first-of-the-keys-that-tests-show"]), new AuditLog(_platform, new SecretRedactor([])));
        }

        public TestDatabase Database { get; }

        public WebhookHandlerStore Store { get; }

        public static async Task<StoreBench> StartAsync() => new(await TestDatabase.CreateAsync());

        public async ValueTask DisposeAsync()
        {
            await _platform.DisposeAsync();
            await Database.DisposeAsync();
        }
    }
}
