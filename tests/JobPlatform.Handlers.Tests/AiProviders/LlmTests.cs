using System.Text.Json;
using JobPlatform.Core.Events;
using JobPlatform.Core.Settings;
using JobPlatform.Handlers.AiProviders;
using JobPlatform.Handlers.Tests.Billing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.AiProviders;

public sealed class LlmTests
{
    private const string Key = "key-0123456789-of-a-provider";

    [TestCase("openai", 200, "{}", "fine")]
    [TestCase("openai", 402, "{}", "exhausted")]
    [TestCase("openai", 429, """{"error": {"code": "insufficient_quota"}}""", "exhausted")]
    [TestCase("openai", 429, """{"error": {"code": "rate_limit_exceeded"}}""", "throttled")]
    [TestCase("openai", 401, """{"error": {"message": "Incorrect API key provided: key-0123456789-of-a-provider"}}""", "refused")]
    [TestCase("openai", 500, "oops", "unreachable")]
    [TestCase("anthropic", 200, "{}", "fine")]
    [TestCase("anthropic", 400, """{"error": {"message": "Your credit balance is too low to access the API."}}""", "exhausted")]
    [TestCase("anthropic", 403, "{}", "refused")]
    [TestCase("anthropic", 529, "{}", "unreachable")]
    [TestCase("google", 200, "{}", "fine")]
    [TestCase("google", 429, """{"error": {"status": "RESOURCE_EXHAUSTED"}}""", "throttled")]
    [TestCase("google", 400, """{"error": {"status": "INVALID_ARGUMENT"}}""", "refused")]
    public async Task Answers_are_told_apart_and_no_output_or_mail_holds_the_key(string provider, int status, string body, string state)
    {
        await using var api = await HttpReceiver.StartAsync(http =>
        {
            http.Response.StatusCode = status;
            return http.Response.WriteAsync(body);
        });
        await using var bench = await StartAsync(new AiProvider(provider, new($"http://127.0.0.1:{api.Port}"), Key));

        var ending = await bench.RunAsync();

        Assert.That(StateOf(ending.OutputJson(), provider), Is.EqualTo(state));
        Assert.That(api.Requests.Single().Body, Does.Contain("1").And.Contain("Hi"), "one token");
        Assert.That(api.Requests.Single().Headers.Values, Has.Some.Contains(Key), "the provider gets it");
        Assert.That(api.Requests.Single().Path, Does.Not.Contain(Key));
        var mails = await bench.Database.ScalarAsync<string>("SELECT string_agg(subject || html_body || text_body, '') FROM jobplatform.pending_emails") ?? "";
        Assert.That(mails.Length > 0, Is.EqualTo(state != "fine"));
        Assert.That(ending.Output + mails, Does.Not.Contain(Key));
    }

    [Test]
    public async Task A_provider_that_does_not_listen_is_unreachable_and_the_others_are_asked()
    {
        await using var api = await HttpReceiver.StartAsync();
        await using var bench = await StartAsync(new AiProvider("google", new("http://127.0.0.1:1"), Key), new AiProvider("openai", new($"http://127.0.0.1:{api.Port}"), Key));

        var output = (await bench.RunAsync()).OutputJson();

        Assert.That((StateOf(output, "google"), StateOf(output, "openai"), output.GetProperty("mails").GetInt32()), Is.EqualTo(("unreachable", "fine", 1)));
    }

    [TestCase(79, "fine")]
    [TestCase(81, "low")]
    public async Task Less_than_the_share_of_the_months_budget_is_low(int spent, string state)
    {
        await using var api = await HttpReceiver.StartAsync();
        await using var bench = await StartAsync(new AiProvider("openai", new($"http://127.0.0.1:{api.Port}"), Key));
        bench.Clock.Set(new DateTimeOffset(2028, 2, 29, 9, 0, 0, TimeSpan.Zero));
        await bench.Database.ExecuteAsync(
            """
            INSERT INTO public.ai_requests (provider, model, status, cost_usd, created_at) VALUES
                ('openai', 'm', 'succeeded', @spent, '2028-02-01T00:00:00Z'), ('openai', 'm', 'succeeded', 500, '2028-01-31T23:59:59Z'), ('google', 'm', 'succeeded', 500, '2028-02-10Z')
            """, new { spent });

        var output = (await bench.RunAsync("""{"monthly_budgets": {"openai": 100}}""")).OutputJson();

        Assert.That(StateOf(output, "openai"), Is.EqualTo(state));
        if (state == "low") Assert.That(await bench.MailsAsync(), Is.EqualTo("ops@example.com: [JobPlatform] openai is low on credit"));
    }

    [Test]
    public async Task A_provider_is_told_of_once_an_hour_whoever_meets_it_and_the_next_mail_says_how_many_were_held_back()
    {
        await using var bench = await StartAlertAsync();

        for (var i = 0; i < 4; i++) await bench.RunAsync("""{"provider": "openai", "status": 402}""");
        await bench.RunAsync("""{"provider": "google", "status": 429, "model": "m"}""");
        bench.Clock.Advance(TimeSpan.FromMinutes(59));
        Assert.That((await bench.RunAsync("""{"provider": "openai", "status": 429}""")).Output, Is.EqualTo("""{"mailed":false,"held_back":true}"""));
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That((await bench.RunAsync("""{"provider": "openai", "status": 429}""")).Output, Is.EqualTo("""{"mailed":true,"held_back":false}"""));

        Assert.That(await bench.MailsAsync(), Is.EqualTo(
            """
            ops@example.com: [JobPlatform] openai is out of credit
            ops@example.com: [JobPlatform] google is over its quota
            ops@example.com: [JobPlatform] openai is over its quota
            """));
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT text_body FROM jobplatform.pending_emails ORDER BY id DESC LIMIT 1"), Does.Contain("4 more alerts were held back"));
    }

    [Test]
    public async Task Of_many_runs_at_once_one_mails()
    {
        await using var bench = await StartAlertAsync();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => bench.RunAsync("""{"provider": "openai", "status": 402}""")));

        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.pending_emails"), Is.EqualTo(1));
    }

    [Test]
    public async Task The_event_runs_the_alert_and_refuses_what_is_none()
    {
        await using var bench = await StartAlertAsync();
        await bench.Get<EventTypes>().PublishAsync(bench.Get<Core.Database.PlatformDatabase>());

        var runs = await bench.Database.ScalarAsync<Guid[]>("""SELECT jobplatform.emit_event('llm.request_failed', '{"provider": "openai", "status": 402}')""");

        Assert.That(runs, Has.Length.EqualTo(1));
        Assert.That(async () => await bench.Database.ExecuteAsync("""SELECT jobplatform.emit_event('llm.request_failed', '{"provider": "openai", "status": 500}')"""),
            Throws.Exception.With.Message.Contains("status: 500 is not from 402 to 429"));
    }

    private static string StateOf(JsonElement output, string provider) => output.GetProperty("providers").GetProperty(provider).GetProperty("state").GetString()!;

    private static Task<HandlerBench> StartAsync(params AiProvider[] providers) => BillingBench.CreateAsync("check-llm-credits", configure: services => services
        .AddSingleton<IReadOnlyList<AiProvider>>(providers).AddSingleton<ProviderProbe>().AddSingleton<ProviderAlerts>());

    private static Task<HandlerBench> StartAlertAsync() => BillingBench.CreateAsync("send-llm-credit-alert", configure: services => services.AddSingleton<ProviderAlerts>());
}
