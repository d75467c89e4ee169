using System.Net;
using System.Text;
using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace JobPlatform.Server.Tests.Security;

public sealed class OidcTests
{
    [Test]
    public async Task Who_is_in_a_list_comes_in_and_gets_an_account_with_the_lists_role()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ADMINS=grace@example.com");
        using var browser = new Browser(host);
        Assert.That(await (await browser.GetAsync("/admin/sign-in")).Content.ReadAsStringAsync(), Does.Contain("href=\"/admin/sign-in/oidc?return_to=%2Fadmin\""));

        var (answer, _) = await ComeInAsync(browser, provider, "/admin/sign-in/oidc?return_to=/admin/jobs");

        using (Assert.EnterMultipleScope())
        {
            Assert.That($"{answer.Headers.Location}", Is.EqualTo("/admin/jobs"));
            Assert.That((await browser.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
            Assert.That($"{provider.LastRequest["code_challenge_method"]} {provider.LastRequest["response_type"]} {provider.LastRequest["scope"]}", Is.EqualTo("S256 code openid email profile"));
            Assert.That(await host.Database.ScalarAsync<string>("SELECT concat_ws(' ', email, role, password_hash IS NULL) FROM jobplatform.admin_users"), Is.EqualTo("grace@example.com admin t"));
            Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', actor, action, details ->> 'way'), ', ' ORDER BY id) FROM jobplatform.admin_logs"),
                Is.EqualTo("admin:grace@example.com admin.provisioned, admin:grace@example.com sign-in.succeeded oidc"));
        }
    }

    [Test]
    public async Task Roles_may_come_from_another_claim_with_several_values()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ROLE_CLAIM=groups", "OIDC_ADMINS=job-admins", "OIDC_VIEWERS=staff");
        provider.Change = token => token.Claims["groups"] = new[] { "everybody", "staff" };
        using var browser = new Browser(host);

        await ComeInAsync(browser, provider);

        Assert.That(await host.Database.ScalarAsync<string>("SELECT role FROM jobplatform.admin_users"), Is.EqualTo("viewer"));
        provider.Change = token => token.Claims["groups"] = new[] { "job-admins", "staff" };
        await ComeInAsync(browser, provider);
        Assert.That(await host.Database.ScalarAsync<string>("SELECT role FROM jobplatform.admin_users"), Is.EqualTo("admin"));
    }

    private static readonly object[] Wrong =
    [
        Case("another nonce", token => token.Claims["nonce"] = "another", "nonce"),
        Case("no nonce", token => token.Claims.Remove("nonce"), "nonce"),
        Case("another audience", token => token.Audience = "somebody-else", "IDX10214"),
        Case("another issuer", token => token.Issuer = "https://evil.example", "IDX10205"),
        Case("another party", token => token.Claims["azp"] = "somebody-else", "azp"),
        Case("over", token => (token.NotBefore, token.IssuedAt, token.Expires) = (Ago(60), Ago(60), Ago(10)), "IDX10230"),
        Case("signed by another key", token => token.SigningCredentials = new(new RsaSecurityKey(System.Security.Cryptography.RSA.Create(2048)) { KeyId = "other" }, SecurityAlgorithms.RsaSha256), "IDX10"),
        Case("signed by the client's secret", token => token.SigningCredentials = new(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(StubProvider.ClientSecret)), SecurityAlgorithms.HmacSha256), "IDX10"),
        Case("not signed", token => token.SigningCredentials = null, "IDX10"),
        Case("address not verified", token => token.Claims["email_verified"] = false, "email_verified"),
        Case("address without a word on it", token => token.Claims.Remove("email_verified"), "email_verified"),
        Case("no address", token => token.Claims.Remove("email"), "claim email"),
        Case("somebody in no list", token => token.Claims["email"] = "mallory@example.com", "neither OIDC_ADMINS nor OIDC_VIEWERS"),
    ];

    [TestCaseSource(nameof(Wrong))]
    public async Task A_token_that_is_wrong_lets_nobody_in_and_the_log_says_why(Action<SecurityTokenDescriptor> spoil, string reason)
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ADMINS=grace@example.com");
        provider.Change = spoil;
        using var browser = new Browser(host);

        var (answer, _) = await ComeInAsync(browser, provider);

        await ShouldBeOutsideAsync(host, browser, answer);
        Assert.That(host.Logs.Lines.Where(line => line.Event.Id == 3042).Select(line => line.Text), Has.Some.Contain(reason));
        var page = await (await browser.GetAsync($"{answer.Headers.Location}")).Content.ReadAsStringAsync();
        Assert.That(page, Does.Contain("The single sign-on did not let you in.").And.Not.Contain(reason));
    }

    [Test]
    public async Task An_answer_that_this_browser_did_not_ask_for_is_refused()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ADMINS=grace@example.com");
        using var attacker = new Browser(host);
        using var victim = new Browser(host);
        var (_, callback) = await ComeInAsync(attacker, provider, use: false);

        await ShouldBeOutsideAsync(host, victim, await victim.GetAsync(callback));
        await ShouldBeOutsideAsync(host, victim, await victim.GetAsync("/admin/sign-in/oidc/callback?code=x&state=y"));
        await ShouldBeOutsideAsync(host, victim, await victim.GetAsync("/admin/sign-in/oidc/callback"));
        await ShouldBeOutsideAsync(host, attacker, await attacker.GetAsync(callback.Replace("code=", "code=0", StringComparison.Ordinal)));
    }

    [Test]
    public async Task A_disabled_account_stays_outside_and_one_with_a_password_keeps_its_role()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_VIEWERS=*");
        var accounts = host.Services.GetRequiredService<AdminAccounts>();
        await accounts.AddAsync("grace@example.com", AdminRole.Admin, Browser.Password, Actor.CommandLine);
        using var browser = new Browser(host);

        await ComeInAsync(browser, provider);
        Assert.That((await accounts.FindAsync("grace@example.com"))!.Role, Is.EqualTo(AdminRole.Admin));

        await accounts.DisableAsync("grace@example.com", Actor.CommandLine);
        using var again = new Browser(host);
        await ShouldBeOutsideAsync(host, again, (await ComeInAsync(again, provider)).Answer);
    }

    [Test]
    public async Task A_provider_that_has_rolled_its_key_is_asked_for_the_new_one()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ADMINS=grace@example.com");
        using var browser = new Browser(host);
        await ComeInAsync(browser, provider);
        provider.RollKey();
        using var later = new Browser(host);

        await ComeInAsync(later, provider);

        Assert.That((await later.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Confirming_asks_the_provider_for_the_password_and_believes_its_time()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ADMINS=grace@example.com", "PUBLIC_URL=http://127.0.0.1");
        var passwordAt = TimeProvider.System.GetUtcNow().AddHours(-1).ToUnixTimeSeconds();
        provider.Change = token => token.Claims["auth_time"] = passwordAt;
        using var browser = new Browser(host);

        await ComeInAsync(browser, provider, "/admin/sign-in/oidc?confirm=true");

        Assert.That($"{provider.LastRequest["prompt"]} {provider.LastRequest["max_age"]} {provider.LastRequest["redirect_uri"]}",
            Is.EqualTo("login 0 http://127.0.0.1/admin/sign-in/oidc/callback"));
        Assert.That((await (await browser.GetAsync("/admin/session")).ReadAsync()).GetProperty("recent_until").GetDateTimeOffset().ToUnixTimeSeconds(), Is.EqualTo(passwordAt + 600));
    }

    [TestCase(null, 0L)]
    [TestCase(3600L, 1L)]
    [TestCase(99_999_999_999_999L, 1L)]
    public async Task A_session_is_no_more_recent_than_the_provider_says_and_never_ahead_of_time(long? ahead, long isRecent)
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ADMINS=grace@example.com");
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        provider.Change = token =>
        {
            if (ahead is not null) token.Claims["auth_time"] = now + ahead.Value;
        };
        using var browser = new Browser(host);

        await ComeInAsync(browser, provider);

        var until = (await (await browser.GetAsync("/admin/session")).ReadAsync()).GetProperty("recent_until").GetDateTimeOffset().ToUnixTimeSeconds();
        Assert.That(until, isRecent == 1 ? Is.InRange(now + 600, now + 700) : Is.EqualTo(600));
    }

    [Test]
    public async Task Answers_that_nobody_asked_for_are_limited_before_they_are_written_down()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ADMINS=grace@example.com", "SIGN_INS_PER_MINUTE=5");
        using var browser = new Browser(host);
        for (var turn = 0; turn < 30; turn++) await browser.GetAsync("/admin/sign-in/oidc/callback?code=x&state=y");

        await (await browser.GetAsync("/admin/sign-in/oidc/callback?code=x&state=y")).ShouldBeProblemAsync(429, "too-many-requests");
        await (await browser.GetAsync("/admin/sign-in/oidc")).ShouldBeProblemAsync(429, "too-many-requests");

        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.admin_logs"), Is.EqualTo(10));
    }

    [Test]
    public async Task A_provider_that_stumbles_is_asked_again()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(provider, "OIDC_ADMINS=grace@example.com");
        provider.Stumbles = 1;
        using var browser = new Browser(host);

        await ComeInAsync(browser, provider);

        Assert.That((await browser.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(provider.Stumbles, Is.Negative);
    }

    [Test]
    public async Task Without_its_provider_the_page_says_so_and_passwords_still_work()
    {
        await using var host = await ApiHost.StartAsync(settings: Settings("http://127.0.0.1:1", "OIDC_ADMINS=grace@example.com"));
        using var browser = new Browser(host);

        var answer = await browser.GetAsync("/admin/sign-in/oidc");

        Assert.That($"{answer.Headers.Location}", Is.EqualTo("/admin/sign-in?fault=oidc"));
        using var other = await Browser.SignInAsync(host);
        Assert.That((await other.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    private static Task<ApiHost> StartAsync(StubProvider provider, params string[] settings) => ApiHost.StartAsync(settings: Settings(provider.Address, settings));

    private static string[] Settings(string authority, params string[] more) =>
        [$"OIDC_AUTHORITY={authority}", $"OIDC_CLIENT_ID={StubProvider.ClientId}", $"OIDC_CLIENT_SECRET={StubProvider.ClientSecret}", .. more];

    // From this server to the provider, and back with its code.
    private static async Task<(HttpResponseMessage Answer, string Callback)> ComeInAsync(
        Browser browser, StubProvider provider, string start = "/admin/sign-in/oidc", bool use = true)
    {
        var challenge = await browser.GetAsync(start);
        Assert.That($"{challenge.Headers.Location}", Does.StartWith(provider.Address));
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        var callback = (await client.GetAsync(challenge.Headers.Location)).Headers.Location!.PathAndQuery;
        return (use ? await browser.GetAsync(callback) : challenge, callback);
    }

    private static async Task ShouldBeOutsideAsync(ApiHost host, Browser browser, HttpResponseMessage answer)
    {
        Assert.That($"{answer.Headers.Location}", Is.EqualTo("/admin/sign-in?fault=oidc"));
        Assert.That((await browser.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.admin_logs WHERE action = 'sign-in.failed' AND details ->> 'way' = 'oidc'"), Is.Positive);
    }

    private static DateTime Ago(int minutes) => TimeProvider.System.GetUtcNow().AddMinutes(-minutes).UtcDateTime;

    private static TestCaseData Case(string name, Action<SecurityTokenDescriptor> spoil, string reason) =>
        new TestCaseData(spoil, reason).SetArgDisplayNames(name);
}
