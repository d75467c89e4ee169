using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace JobPlatform.Server.Tests.Api;

public sealed class StripeWebhookTests
{
    private const string Secret = "whsec_0123456789abcdefghijklmnopqrstuv";
    private const string OldSecret = "whsec_vutsrqponmlkjihgfedcba9876543210";
    private const string Event = """{"id": "evt_1", "type": "customer.subscription.updated", "livemode": false, "data": {"object": {"object": "subscription", "id": "sub_1", "customer": "cus_1"}}}""";
    private static readonly DateTimeOffset Now = new(2028, 2, 29, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public async Task A_signed_event_syncs_its_customer_once_however_many_come_while_the_run_waits()
    {
        await using var host = await StartAsync();

        var first = await TakeAsync(host, Event);
        var second = await TakeAsync(host, Event.Replace("evt_1", "evt_2", StringComparison.Ordinal));
        var other = await TakeAsync(host, Event.Replace("cus_1", "cus_2", StringComparison.Ordinal));

        Assert.That(second, Is.EqualTo(first));
        Assert.That(other, Is.Not.EqualTo(first));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', trigger, triggered_by, payload), ', ' ORDER BY payload->>'customer') FROM jobplatform.job_runs"),
            Is.EqualTo("""event stripe {"customer": "cus_1"}, event stripe {"customer": "cus_2"}"""));
    }

    [Test]
    public async Task An_event_that_comes_while_the_customer_is_being_synced_makes_one_run_more_as_that_one_may_have_read_before()
    {
        await using var host = await StartAsync();
        var working = await TakeAsync(host, Event);
        await host.Database.ExecuteAsync("UPDATE jobplatform.job_runs SET status = 'running', started_at = now(), worker = 'w', attempt = 1, fence = 1");

        var next = await TakeAsync(host, Event);
        var again = await TakeAsync(host, Event);

        Assert.That(next, Is.Not.EqualTo(working));
        Assert.That(again, Is.EqualTo(next));
        Assert.That(await host.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_runs"), Is.EqualTo(2));
    }

    [TestCase("another secret's", 401)]
    [TestCase("of another body", 401)]
    [TestCase("old", 401)]
    [TestCase("ahead", 401)]
    [TestCase("none", 401)]
    [TestCase("of a scheme of old", 401)]
    [TestCase("nonsense", 401)]
    [TestCase("nearly too old", 200)]
    [TestCase("second of two", 200)]
    [TestCase("the old secret's, while both are set", 200)]
    public async Task A_signature_that_is(string what, int status)
    {
        await using var host = await StartAsync();
        var header = what switch
        {
            "another secret's" => Sign(Event, "whsec_ffffffffffffffffffffffffffffffff"),
            "of another body" => Sign(Event + " ", Secret),
            "old" => Sign(Event, Secret, Now.AddSeconds(-301)),
            "ahead" => Sign(Event, Secret, Now.AddSeconds(301)),
            "none" => null,
            "of a scheme of old" => Sign(Event, Secret).Replace("v1=", "v0=", StringComparison.Ordinal),
            "nonsense" => "t=now,v1=,,=",
            "nearly too old" => Sign(Event, Secret, Now.AddSeconds(-300)),
            "second of two" => Sign(Event, Secret).Replace("v1=", $"v1={new string('0', 64)},v0=abc,v1=", StringComparison.Ordinal),
            _ => Sign(Event, OldSecret),
        };

        var answer = await SendAsync(host, Event, header);

        Assert.That((int)answer.StatusCode, Is.EqualTo(status), await answer.Content.ReadAsStringAsync());
        if (status == 401) await answer.ShouldBeProblemAsync(401, "signature-invalid");
        Assert.That(await host.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_runs"), Is.EqualTo(status == 200 ? 1 : 0));
    }

    [Test]
    public async Task A_server_without_a_secret_takes_nothing()
    {
        await using var host = await ApiHost.StartAsync(new FakeClock(Now));
        await host.AddJobAsync("sync-stripe", "sync-stripe");

        await (await SendAsync(host, Event, Sign(Event, ""))).ShouldBeProblemAsync(401, "signature-invalid");
    }

    [TestCase("""{"livemode": true, "data": {"object": {"object": "subscription", "customer": "cus_1"}}}""", "The event is of live mode, and STRIPE_SECRET_KEY is not.")]
    [TestCase("""{"livemode": false, "data": {"object": {"object": "product", "id": "prod_1"}}}""", "The event is of no customer.")]
    [TestCase("""{"livemode": false, "data": {"object": {"object": "charge", "customer": null}}}""", "The event names no customer.")]
    [TestCase("[]", "The event is of no customer.")]
    public async Task An_event_that_is_of_no_use_is_taken_and_starts_nothing(string body, string reason)
    {
        await using var host = await StartAsync();

        var answer = await SendAsync(host, body, Sign(body, Secret));

        Assert.That((int)answer.StatusCode, Is.EqualTo(200), "otherwise Stripe would send it again for days");
        Assert.That(JsonElement.Parse(await answer.Content.ReadAsStringAsync()).GetProperty("ignored").GetString(), Is.EqualTo(reason));
    }

    [Test]
    public async Task An_event_of_a_customer_itself_counts()
    {
        await using var host = await StartAsync();

        Assert.That(await TakeAsync(host, """{"livemode": false, "data": {"object": {"object": "customer", "id": "cus_7"}}}"""), Is.Not.Null);
        Assert.That(await host.Database.ScalarAsync<string>("SELECT payload->>'customer' FROM jobplatform.job_runs"), Is.EqualTo("cus_7"));
    }

    [Test]
    public async Task A_body_beyond_the_limit_is_refused_before_its_signature_is_looked_at()
    {
        await using var host = await StartAsync();
        var body = new string(' ', 256 * 1024) + Event;

        await (await SendAsync(host, body, Sign(body, Secret))).ShouldBeProblemAsync(413, "body-too-large");
    }

    [Test]
    public async Task Without_the_job_or_with_a_disabled_one_Stripe_is_told_to_come_again()
    {
        await using var host = await ApiHost.StartAsync(new FakeClock(Now), settings: [$"STRIPE_WEBHOOK_SECRET={Secret}"]);
        await (await SendAsync(host, Event, Sign(Event, Secret))).ShouldBeProblemAsync(409, "no-such-job");

        await host.AddJobAsync("sync-stripe", "sync-stripe", isEnabled: false);

        await (await SendAsync(host, Event, Sign(Event, Secret))).ShouldBeProblemAsync(409, "job-disabled");
    }

    [Test]
    public async Task A_burst_from_one_address_is_taken_whole()
    {
        await using var host = await StartAsync();

        var statuses = new List<int>();
        for (var i = 0; i < 60; i++) statuses.Add((int)(await SendAsync(host, Event, Sign(Event, Secret))).StatusCode);

        Assert.That(statuses, Is.All.EqualTo(200));
    }

    private static async Task<ApiHost> StartAsync()
    {
        var host = await ApiHost.StartAsync(new FakeClock(Now), settings: [$"STRIPE_WEBHOOK_SECRET={Secret},{OldSecret}", "STRIPE_SECRET_KEY=sk_test_0123456789abcdef"]);
        await host.AddJobAsync("sync-stripe", "sync-stripe");
        return host;
    }

    private static async Task<string?> TakeAsync(ApiHost host, string body)
    {
        var answer = await SendAsync(host, body, Sign(body, Secret));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), text);
        return JsonElement.Parse(text).GetProperty("run_id").GetString();
    }

    private static Task<HttpResponseMessage> SendAsync(ApiHost host, string body, string? signature)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/stripe/webhook") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (signature is not null) request.Headers.TryAddWithoutValidation("Stripe-Signature", signature);
        return host.Anonymous.SendAsync(request);
    }

    private static string Sign(string body, string secret, DateTimeOffset? at = null)
    {
        var seconds = (at ?? Now).ToUnixTimeSeconds();
        return $"t={seconds},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{seconds}.{body}")))}";
    }
}
