using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Security;

public sealed class SessionTests
{
    [Test]
    public async Task The_cookie_is_for_this_server_only_and_for_no_script()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Services.GetRequiredService<AdminAccounts>().AddAsync("ada@example.com", AdminRole.Admin, Browser.Password, Actor.CommandLine);
        using var browser = new Browser(host);

        var cookies = (await browser.SignInAsync("ada@example.com", Browser.Password)).Headers.GetValues("Set-Cookie").ToList();

        Assert.That(cookies, Has.Some.StartsWith("jobplatform_session=").And.Some.Contain("samesite=lax; httponly"));
    }

    [Test]
    public async Task Where_people_come_by_https_every_cookie_is_secure()
    {
        await using var host = await ApiHost.StartAsync(settings: "PUBLIC_URL=https://jobs.example.com");
        using var client = new HttpClient { BaseAddress = host.Client.BaseAddress };

        var cookies = (await client.GetAsync("/admin/sign-in")).Headers.GetValues("Set-Cookie").ToList();

        Assert.That(cookies, Is.Not.Empty.And.All.Contain("; secure"));
    }

    [Test]
    public async Task Web_nodes_that_start_together_share_sessions_and_a_restart_ends_none()
    {
        await using var database = await TestDatabase.CreateAsync();
        var nodes = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => ApiHost.StartAsync(shared: database)));
        using var browser = await Browser.SignInAsync(nodes[0]);
        var statuses = new List<HttpStatusCode>();
        foreach (var node in nodes)
        {
            using var elsewhere = At(node, browser);
            statuses.Add((await elsewhere.PostAsync("/admin/confirm", Browser.Form(("password", Browser.Password)))).StatusCode);
        }
        foreach (var node in nodes) await node.DisposeAsync();
        await using var restarted = await ApiHost.StartAsync(shared: database);
        using var later = At(restarted, browser);
        statuses.Add((await later.PostAsync("/admin/confirm", Browser.Form(("password", Browser.Password)))).StatusCode);

        Assert.That(statuses, Is.All.EqualTo(HttpStatusCode.NoContent));
        Assert.That(await database.ScalarAsync<string>("SELECT string_agg(encode(sealed, 'escape'), ' ') FROM jobplatform.data_protection_keys"),
            Is.Not.Empty.And.Not.Contain("masterKey").And.Not.Contain("<key"));
    }

    [Test]
    public async Task Under_another_secret_key_sessions_end_and_new_ones_begin()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var before = await ApiHost.StartAsync(shared: database);
        using var browser = await Browser.SignInAsync(before);
        await using var after = await ApiHost.StartAsync(shared: database,
            settings: ["JOBS_SECRET_KEY=nW5-quite-another-key-that-tests-show", "JOBS_SECRET_KEY_PREVIOUS=oT6-and-one-before-it-that-tests-show"]);

        using var old = At(after, browser);
        await (await old.GetAsync("/api/handlers")).ShouldBeProblemAsync(401, "unauthorized");
        using var anew = await Browser.SignInAsync(after);

        Assert.That((await anew.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(after.Logs.Lines.Select(line => line.Event.Id), Has.Some.EqualTo(3031));
    }

    [TestCase("UPDATE jobplatform.admin_users SET is_disabled = true")]
    [TestCase("UPDATE jobplatform.admin_users SET role = 'viewer'")]
    [TestCase("UPDATE jobplatform.admin_users SET password_hash = 'x'")]
    [TestCase("DELETE FROM jobplatform.admin_users")]
    public async Task A_session_ends_within_seconds_when_its_account_changes_by_whatever_way(string change)
    {
        var clock = Browser.CreateClock();
        await using var host = await ApiHost.StartAsync(clock);
        using var browser = await Browser.SignInAsync(host);
        await host.Database.ExecuteAsync(change);

        clock.Advance(TimeSpan.FromSeconds(5));

        await (await browser.GetAsync("/api/handlers")).ShouldBeProblemAsync(401, "unauthorized");
    }

    [Test]
    public async Task A_session_slides_while_it_is_used_ends_when_it_is_not_and_after_a_week_at_the_latest()
    {
        var clock = Browser.CreateClock();
        await using var host = await ApiHost.StartAsync(clock, settings: "SESSION_HOURS=2");
        using var browser = await Browser.SignInAsync(host);
        using var idle = await Browser.SignInAsync(host, email: "idle@example.com");
        var status = async (Browser who) => (int)(await who.GetAsync("/api/handlers")).StatusCode;
        for (var hours = 1.5; hours < 7 * 24; hours += 1.5)
        {
            clock.Advance(TimeSpan.FromHours(1.5));
            Assert.That(await status(browser), Is.EqualTo(200), $"after {hours} hours");
            if (hours is 3) Assert.That(await status(idle), Is.EqualTo(401));
        }

        clock.Advance(TimeSpan.FromHours(1.5));

        Assert.That(await status(browser), Is.EqualTo(401));
    }

    [Test]
    public async Task Confirming_the_password_makes_a_session_recent_again_and_a_wrong_one_does_not()
    {
        var clock = Browser.CreateClock();
        await using var host = await ApiHost.StartAsync(clock, settings: "RECENT_AUTH_MINUTES=5");
        using var browser = await Browser.SignInAsync(host);
        clock.Advance(TimeSpan.FromMinutes(6));
        var until = async () => (await (await browser.GetAsync("/admin/session")).Content.ReadFromJsonAsync<JsonElement>()).GetProperty("recent_until").GetDateTimeOffset();

        await (await browser.PostAsync("/admin/confirm", Browser.Form(("password", "wrong")))).ShouldBeProblemAsync(401, "sign-in-failed");
        var before = await until();
        await browser.PostAsync("/admin/confirm", Browser.Form(("password", Browser.Password)));

        Assert.That(before, Is.LessThan(clock.GetUtcNow()));
        Assert.That(await until(), Is.EqualTo(clock.GetUtcNow() + TimeSpan.FromMinutes(5)));
    }

    [Test]
    public async Task Signing_out_takes_the_cookie_away()
    {
        await using var host = await ApiHost.StartAsync();
        using var browser = await Browser.SignInAsync(host);

        var answer = await browser.SendAsync(HttpMethod.Post, "/admin/sign-out", null, ("Accept", "text/html"));

        Assert.That((answer.StatusCode, $"{answer.Headers.Location}"), Is.EqualTo((HttpStatusCode.Found, "/admin/sign-in")));
        await (await browser.GetAsync("/api/handlers")).ShouldBeProblemAsync(401, "unauthorized");
    }

    [Test]
    public async Task After_signing_out_a_copy_of_the_cookie_is_worth_nothing_on_any_node()
    {
        var clock = Browser.CreateClock();
        await using var host = await ApiHost.StartAsync(clock);
        await using var second = await ApiHost.StartAsync(clock, shared: host.Database);
        using var browser = await Browser.SignInAsync(host);
        using var other = await Browser.SignInAsync(host, email: "ben@example.com");
        using var copy = At(host, browser);
        using var elsewhere = At(second, browser);
        foreach (var session in new[] { copy, elsewhere }) Assert.That((await session.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));

        await browser.PostAsync("/admin/sign-out");

        await (await copy.GetAsync("/api/handlers")).ShouldBeProblemAsync(401, "unauthorized");
        clock.Advance(TimeSpan.FromSeconds(5));
        await (await elsewhere.GetAsync("/api/handlers")).ShouldBeProblemAsync(401, "unauthorized");
        Assert.That((await other.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT concat_ws(' ', actor, action, host(address)) FROM jobplatform.admin_logs ORDER BY id DESC LIMIT 1"),
            Is.EqualTo("admin:ada@example.com sign-out 127.0.0.1"));
    }

    [TestCase("Sec-Fetch-Site", "same-origin", 202)]
    [TestCase("Sec-Fetch-Site", "same-site", 403)]
    [TestCase("Sec-Fetch-Site", "none", 403)]
    [TestCase("Origin", "OWN", 202)]
    [TestCase("Origin", "https://jobs.example.com", 202)]
    [TestCase("Origin", "https://jobs.example.com.evil.example", 403)]
    [TestCase("Origin", "http://jobs.example.com", 403)]
    [TestCase("Origin", "null", 403)]
    public async Task A_change_needs_an_origin_of_this_server(string header, string value, int status)
    {
        await using var host = await ApiHost.StartAsync(settings: "PUBLIC_URL=https://jobs.example.com");
        await host.AddJobAsync("tidy");
        using var browser = await SignInPlainAsync(host);
        var own = host.Client.BaseAddress!.GetLeftPart(UriPartial.Authority);

        var answer = await browser.SendAsync(HttpMethod.Post, "/api/jobs/run", Json("""{"job": "tidy"}"""), (header, value == "OWN" ? own.Replace("http:", "https:", StringComparison.Ordinal) : value));

        Assert.That((int)answer.StatusCode, Is.EqualTo(status), await answer.Content.ReadAsStringAsync());
    }

    [Test]
    public async Task What_a_session_starts_is_a_manual_run_in_its_name()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        using var browser = await Browser.SignInAsync(host);

        await browser.PostAsync("/api/jobs/run", Json("""{"job": "tidy", "triggered_by": "somebody else"}"""));

        Assert.That(await host.Database.ScalarAsync<string>("SELECT concat_ws(' ', trigger, triggered_by) FROM jobplatform.job_runs"), Is.EqualTo("manual admin:ada@example.com"));
    }

    [TestCase("MANUAL_RUNS_PER_MINUTE")]
    [TestCase("CALLS_PER_MINUTE")]
    public async Task A_session_starts_so_many_runs_a_minute_and_other_callers_go_on(string setting)
    {
        await using var host = await ApiHost.StartAsync(settings: $"{setting}=3");
        using var browser = await Browser.SignInAsync(host);
        HttpResponseMessage answer;
        do answer = await browser.PostAsync("/api/jobs/run", Json("""{"job": "nowhere"}"""));
        while (answer.StatusCode == HttpStatusCode.NotFound);

        await answer.ShouldBeProblemAsync(429, "too-many-requests");
        Assert.That((await host.RunAsync("""{"job": "nowhere"}""")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task Retries_count_among_the_runs_that_a_session_starts()
    {
        await using var host = await ApiHost.StartAsync(settings: "MANUAL_RUNS_PER_MINUTE=3");
        using var browser = await Browser.SignInAsync(host);
        await browser.PostAsync("/api/jobs/run", Json("""{"job": "nowhere"}"""));
        await browser.PostAsync($"/api/runs/{Guid.Empty}/retry");
        await browser.PostAsync("/api/runs/retry", Json("{}"));

        foreach (var address in (string[])["/api/jobs/nowhere/run", $"/api/runs/{Guid.Empty}/retry", "/api/runs/retry"])
            await (await browser.PostAsync(address, Json("{}"))).ShouldBeProblemAsync(429, "too-many-requests");

        Assert.That((await browser.PostAsync("/api/runs/cancel", Json("{}"))).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    // Over plain HTTP to a server that people reach by HTTPS: the test's client keeps secure cookies to itself.
    private static async Task<Browser> SignInPlainAsync(ApiHost host)
    {
        await using var plain = await ApiHost.StartAsync(shared: host.Database);
        using var browser = await Browser.SignInAsync(plain);
        return At(host, browser);
    }

    private static Browser At(ApiHost host, Browser browser)
    {
        var elsewhere = new Browser(host) { Token = browser.Token };
        foreach (Cookie cookie in browser.Cookies) elsewhere.Keep(new Cookie(cookie.Name, cookie.Value, "/", host.Client.BaseAddress!.Host));
        return elsewhere;
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
