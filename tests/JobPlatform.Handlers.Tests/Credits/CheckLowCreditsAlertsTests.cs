using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Handlers.Credits;
using JobPlatform.Handlers.Tests.Billing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Credits;

public sealed class CheckLowCreditsAlertsTests
{
    [Test]
    public async Task Each_member_is_told_once_in_the_own_language_and_again_only_after_a_refill()
    {
        await using var service = await PushService.StartAsync();
        using var browser = new Receiver();
        await using var bench = await StartAsync();
        await bench.AddAccountsAsync(2);
        await bench.Database.ExecuteAsync("UPDATE public.users SET locale = 'de' WHERE id = 2; INSERT INTO public.account_members VALUES (1, 2)");
        await AddAsync(bench, 1, service.Url("a"), browser);
        await AddAsync(bench, 2, service.Url("b"), browser);
        Assert.That((await bench.RunAsync()).Output, Does.StartWith("""{"accounts":0,"""));
        await bench.Database.ExecuteAsync("UPDATE public.accounts SET credits = 1 WHERE id = 1");

        Assert.That((await bench.RunAsync()).Output, Is.EqualTo("""{"accounts":1,"alerted":1,"pushed":2,"removed":0,"refused":0,"deferred":0}"""));
        Assert.That((await bench.RunAsync()).Output, Does.StartWith("""{"accounts":0,"""));
        bench.Clock.Advance(TimeSpan.FromHours(1));
        await bench.Database.ExecuteAsync("UPDATE public.accounts SET credits = 5, credits_refilled_at = @now WHERE id = 1", new { now = bench.Now });
        bench.Clock.Advance(TimeSpan.FromHours(6));
        Assert.That((await bench.RunAsync()).Output, Does.StartWith("""{"accounts":1,"alerted":1,"pushed":2,"""));

        var messages = service.Received.Select(one => (one.Path, Text: JsonElement.Parse(browser.Decrypt(one.Body)))).ToLookup(one => one.Path, one => one.Text.GetProperty("title").GetString());
        Assert.That(messages["/a"], Is.EqualTo((string[])["Account 1: only 1 credit left", "Account 1: only 5 credits left"]));
        Assert.That(messages["/b"], Is.EqualTo((string[])["Account 1: nur noch 1 Guthabenpunkt", "Account 1: nur noch 5 Guthabenpunkte"]));
    }

    [Test]
    public async Task The_request_is_what_the_RFCs_ask_for_and_its_token_is_good()
    {
        await using var service = await PushService.StartAsync();
        using var browser = new Receiver();
        await using var bench = await StartAsync();
        await bench.AddAccountsAsync(1);
        await AddAsync(bench, 1, service.Url("a"), browser);
        await bench.Database.ExecuteAsync("UPDATE public.accounts SET credits = 0");

        await bench.RunAsync("""{"keep_hours": 2}""");

        var headers = service.Received.Single().Headers;
        var parts = headers["Authorization"].Split((char[])[' ', ',', '=', '.'], StringSplitOptions.RemoveEmptyEntries);
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = Keys.ToParameters().Q });
        var claims = JsonElement.Parse(Base64Url.DecodeFromChars(parts[3]));
        Assert.Multiple(() =>
        {
            Assert.That((headers["Content-Encoding"], headers["TTL"], headers["Topic"]), Is.EqualTo(("aes128gcm", "7200", "low-credits-1")));
            Assert.That((parts[0], parts[1], parts[5], parts[6]), Is.EqualTo(("vapid", "t", "k", Base64Url.EncodeToString(Keys.PublicKey.Span))));
            Assert.That(key.VerifyData(Encoding.ASCII.GetBytes($"{parts[2]}.{parts[3]}"), Base64Url.DecodeFromChars(parts[4]), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation), Is.True);
            Assert.That(claims.GetProperty("aud").GetString(), Is.EqualTo(service.Url("").TrimEnd('/')));
            Assert.That(claims.GetProperty("exp").GetInt64(), Is.EqualTo((bench.Now + TimeSpan.FromHours(12)).ToUnixTimeSeconds()));
        });
    }

    [TestCase(404)]
    [TestCase(410)]
    public async Task A_subscription_that_is_gone_is_removed(int status)
    {
        await using var service = await PushService.StartAsync(_ => status);
        using var browser = new Receiver();
        await using var bench = await StartAsync();
        await bench.AddAccountsAsync(1);
        await AddAsync(bench, 1, service.Url("gone"), browser);
        await bench.Database.ExecuteAsync("UPDATE public.accounts SET credits = 0");

        Assert.That((await bench.RunAsync()).Output, Is.EqualTo("""{"accounts":1,"alerted":1,"pushed":0,"removed":1,"refused":0,"deferred":0}"""));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.push_subscriptions"), Is.Zero);
    }

    [TestCase(429)]
    [TestCase(503)]
    public async Task A_service_that_is_busy_is_asked_again_and_the_message_arrives_once(int status)
    {
        var asked = 0;
        await using var service = await PushService.StartAsync(_ => Interlocked.Increment(ref asked) < 3 ? status : 201);
        using var browser = new Receiver();
        await using var bench = await StartAsync();
        await bench.AddAccountsAsync(1);
        await AddAsync(bench, 1, service.Url("a"), browser);
        await bench.Database.ExecuteAsync("UPDATE public.accounts SET credits = 0");

        Assert.That((await bench.RunAsync()).Output, Does.StartWith("""{"accounts":1,"alerted":1,"pushed":1,"""));
        Assert.That(service.Received, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task An_account_that_nobody_could_be_told_of_is_the_next_runs_and_a_partly_told_one_is_not()
    {
        await using var service = await PushService.StartAsync(path => path.StartsWith("/busy", StringComparison.Ordinal) ? 500 : 201);
        await using var well = await PushService.StartAsync();
        using var browser = new Receiver();
        await using var bench = await StartAsync();
        await bench.AddAccountsAsync(2);
        await AddAsync(bench, 1, service.Url("busy"), browser);
        await AddAsync(bench, 2, service.Url("busy2"), browser);
        await AddAsync(bench, 2, service.Url("fine"), browser);
        await bench.Database.ExecuteAsync("UPDATE public.accounts SET credits = 0");

        Assert.That((await bench.RunAsync()).Output, Does.StartWith("""{"accounts":2,"alerted":1,"pushed":1,"removed":0,"refused":0,"deferred":1"""));
        var failed = await bench.RunAsync();
        Assert.That((failed.Status, failed.ErrorMessage()), Is.EqualTo((RunStatus.Retrying, "No push service took a message; 1 accounts wait for the next try. The run's log says why.")));
        // Elsewhere, as a host that failed so often is left alone for a while.
        await bench.Database.ExecuteAsync("UPDATE public.push_subscriptions SET endpoint = @endpoint WHERE user_id = 1", new { endpoint = well.Url("a") });
        Assert.That((await bench.RunAsync()).Output, Does.StartWith("""{"accounts":1,"alerted":1,"pushed":1,"""));
    }

    [Test]
    public async Task An_endpoint_of_the_inside_is_never_called()
    {
        await using var service = await PushService.StartAsync();
        using var browser = new Receiver();
        await using var bench = await StartAsync(Keys, outgoingAllowed: "");
        await bench.AddAccountsAsync(1);
        await AddAsync(bench, 1, service.Url("a"), browser);
        await bench.Database.ExecuteAsync("UPDATE public.accounts SET credits = 0");

        Assert.That((await bench.RunAsync()).Output, Does.Contain("\"refused\":1"));
        Assert.That(service.Received, Is.Empty);
    }

    [Test]
    public async Task Without_keys_the_run_fails_with_a_sentence_that_names_the_settings()
    {
        await using var bench = await StartAsync(null);

        Assert.That((await bench.RunAsync()).ErrorMessage(), Does.Contain("VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT: they are not set"));
    }

    private static readonly VapidSettings Keys = CreateKeys();

    private static VapidSettings CreateKeys()
    {
        var (publicKey, privateKey) = VapidSettings.CreateKeys();
        return new() { PublicKey = Base64Url.DecodeFromChars(publicKey), PrivateKey = Base64Url.DecodeFromChars(privateKey), Subject = "mailto:ops@example.com" };
    }

    private static Task<HandlerBench> StartAsync() => StartAsync(Keys);

    // Tries wait by a clock that goes: the service's, whose time the token's end is counted from, stands still.
    private static Task<HandlerBench> StartAsync(VapidSettings? keys, string outgoingAllowed = "127.0.0.1") =>
        HandlerBench.CreateAsync("check-low-credits-alerts", outgoingAllowed: outgoingAllowed, time: null, configure: services => services
            .AddSingleton(new PushSender(keys, "en")).AddSingleton<WebPush>()
            .AddSingleton(provider => new Core.Outgoing.OutgoingHttp(provider.GetRequiredService<IHttpClientFactory>(), provider.GetRequiredService<Core.Outgoing.AddressGuard>(), TimeProvider.System)));

    private static Task AddAsync(HandlerBench bench, int user, string endpoint, Receiver browser) => bench.Database.ExecuteAsync(
        "INSERT INTO public.push_subscriptions (user_id, endpoint, p256dh, auth) VALUES (@user, @endpoint, @P256dh, @Auth)", new { user, endpoint, browser.P256dh, browser.Auth });

    /// <summary>A push service on a real socket, which keeps bodies as they came.</summary>
    private sealed class PushService : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private PushService(Func<string, int> answer)
        {
            var builder = WebApplication.CreateEmptyBuilder(new());
            builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
            _app = builder.Build();
            _app.Run(async http =>
            {
                var body = new MemoryStream();
                await http.Request.Body.CopyToAsync(body);
                Received.Enqueue((http.Request.Path, http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()), body.ToArray()));
                http.Response.StatusCode = answer(http.Request.Path);
            });
        }

        public ConcurrentQueue<(string Path, Dictionary<string, string> Headers, byte[] Body)> Received { get; } = new();

        public static async Task<PushService> StartAsync(Func<string, int>? answer = null)
        {
            var service = new PushService(answer ?? (_ => 201));
            await service._app.StartAsync();
            return service;
        }

        public string Url(string name) => $"{_app.Urls.Single()}/{name}";

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
