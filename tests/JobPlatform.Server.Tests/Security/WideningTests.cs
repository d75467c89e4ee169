using System.Text;
using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Security;

/// <summary>Destructive handlers with raised limits: only for who has just shown a password, or has the scope for it.</summary>
public sealed class WideningTests
{
    // Of a job that keeps 30 days and deletes 1000 rows at most.
    private static readonly string?[] Narrow =
    [
        null, "{}", """{"days_to_keep": 30}""", """{"days_to_keep": 31}""", """{"max_rows": 10}""", """{"batch_size": 10}""", """{"safety_factor": 2}""", """{"safety_rows": 0}""",
        """{"days_to_keep": 1, "confirm": true, "dry_run": true}""", """{"confirm": false}""",
    ];

    private static readonly string[] Wide =
    [
        """{"days_to_keep": 29}""", """{"max_rows": 1001}""", """{"max_rows": null}""", """{"safety_factor": 21}""", """{"safety_factor": null}""", """{"safety_rows": 10001}""",
        """{"confirm": true}""", """{"dry_run": false, "days_to_keep": 29}""",
    ];

    [Test]
    public async Task A_run_that_deletes_more_than_its_job_says_needs_a_password_that_was_just_shown()
    {
        var clock = Browser.CreateClock();
        await using var host = await StartAsync(clock);
        using var stale = await Browser.SignInAsync(host);
        clock.Advance(TimeSpan.FromMinutes(11));
        using var recent = await Browser.SignInAsync(host, email: "ben@example.com");

        foreach (var payload in Narrow) await ShouldBeAsync(202, payload, await RunAsync(stale, payload));
        foreach (var payload in Wide)
        {
            var problem = await (await RunAsync(stale, payload)).ShouldBeProblemAsync(403, "recent-auth-required");
            Assert.That(problem.GetProperty("detail").GetString(), Does.Match("^[a-z_]+: .* lets it delete ").And.Contain("POST /admin/confirm"));
            await ShouldBeAsync(202, payload, await RunAsync(recent, payload));
        }
    }

    [Test]
    public async Task A_client_needs_the_scope_that_changes_jobs_and_the_operator_nothing_more()
    {
        await using var host = await StartAsync(TimeProvider.System);
        var clients = host.Services.GetRequiredService<ApiClients>();
        foreach (var payload in Wide) await ShouldBeAsync(202, payload, await host.RunAsync($$"""{"job": "tidy", "payload": {{payload}}}"""));
        host.Client.DefaultRequestHeaders.Authorization = Answers.Bearer((await clients.AddAsync("shop", [ClientScopes.JobsRun], null, Actor.CommandLine))!);

        foreach (var payload in Wide)
            Assert.That((await (await host.RunAsync($$"""{"job": "tidy", "payload": {{payload}}}""")).ShouldBeProblemAsync(403, "scope-missing")).GetProperty("detail").GetString(), Does.Contain("jobs:write"));
        foreach (var payload in Narrow) await ShouldBeAsync(202, payload, await host.RunAsync($$"""{"job": "tidy", "payload": {{payload ?? "null"}}}"""));
        host.Client.DefaultRequestHeaders.Authorization = Answers.Bearer((await clients.AddAsync("ops", [ClientScopes.JobsRun, ClientScopes.JobsWrite], null, Actor.CommandLine))!);

        foreach (var payload in Wide) await ShouldBeAsync(202, payload, await host.RunAsync($$"""{"job": "tidy", "payload": {{payload}}}"""));
    }

    [Test]
    public async Task A_dry_run_by_definition_is_made_a_real_one_only_with_the_password()
    {
        var clock = Browser.CreateClock();
        await using var host = await StartAsync(clock);
        await host.Database.ExecuteAsync("""UPDATE jobplatform.jobs SET config = '{"dry_run": true, "days_to_keep": 1}'""");
        using var stale = await Browser.SignInAsync(host);
        clock.Advance(TimeSpan.FromMinutes(11));

        await ShouldBeAsync(202, "none", await RunAsync(stale, null));

        await (await RunAsync(stale, """{"dry_run": false}""")).ShouldBeProblemAsync(403, "recent-auth-required");
    }

    [Test]
    public async Task A_definition_that_deletes_more_than_before_needs_the_password_too()
    {
        var clock = Browser.CreateClock();
        await using var host = await StartAsync(clock);
        using var browser = await Browser.SignInAsync(host);
        clock.Advance(TimeSpan.FromMinutes(11));
        var define = (string name, string config) => browser.SendAsync(HttpMethod.Post, "/api/jobs", Json($$"""{"name": "{{name}}", "handler": "cleanup-sessions", "config": {{config}}}"""));
        var change = (string body) => browser.SendAsync(HttpMethod.Patch, "/api/jobs/kept", Json(body), ("If-Match", "*"));

        // Measured by the handler's defaults, and then by what was stored.
        await (await define("kept", """{"days_to_keep": 29}""")).ShouldBeProblemAsync(403, "recent-auth-required");
        await ShouldBeAsync(201, "new", await define("kept", """{"days_to_keep": 90, "max_rows": 1000}"""));
        await (await change("""{"config": {"days_to_keep": 89, "max_rows": 1000}}""")).ShouldBeProblemAsync(403, "recent-auth-required");
        await (await change("""{"config": {"days_to_keep": 90}}""")).ShouldBeProblemAsync(403, "recent-auth-required");
        await ShouldBeAsync(200, "priority", await change("""{"priority": 1}"""));
        await ShouldBeAsync(200, "narrower", await change("""{"config": {"days_to_keep": 120, "max_rows": 10}}"""));
        await (await browser.SendAsync(HttpMethod.Post, "/api/jobs/kept/versions/1/restore", null, ("If-Match", "*"))).ShouldBeProblemAsync(403, "recent-auth-required");
        await browser.PostAsync("/admin/confirm", Browser.Form(("password", Browser.Password)));
        await ShouldBeAsync(200, "confirmed", await browser.SendAsync(HttpMethod.Post, "/api/jobs/kept/versions/1/restore", null, ("If-Match", "*")));
    }

    [Test]
    public async Task A_retry_is_a_run_like_any_other_alone_and_among_many()
    {
        var clock = Browser.CreateClock();
        await using var host = await StartAsync(clock);
        using var browser = await Browser.SignInAsync(host);
        var plain = await host.EnqueueAsync("""{"job": "tidy"}""");
        var confirmed = await host.EnqueueAsync("""{"job": "tidy", "payload": {"confirm": true}}""");
        await host.Database.ExecuteAsync("UPDATE jobplatform.job_runs SET status = 'canceled', finished_at = now(), error = '{}'");
        clock.Advance(TimeSpan.FromMinutes(11));
        var retry = (Guid id, string? body) => browser.PostAsync($"/api/runs/{id}/retry", body is null ? null : Json(body));

        await (await retry(confirmed, null)).ShouldBeProblemAsync(403, "recent-auth-required");
        await (await retry(plain, """{"payload": {"days_to_keep": 1}}""")).ShouldBeProblemAsync(403, "recent-auth-required");
        var offer = (await (await browser.PostAsync("/api/runs/retry", Json("{}"))).ReadAsync()).GetProperty("offer");
        var confirm = Json($$"""{"confirm": "{{offer.GetProperty("confirm").GetString()}}"}""");
        await (await browser.PostAsync("/api/runs/retry", confirm)).ShouldBeProblemAsync(403, "recent-auth-required");
        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs"), Is.EqualTo(2), "none of them is run again");
        await browser.PostAsync("/admin/confirm", Browser.Form(("password", Browser.Password)));

        var result = (await (await browser.PostAsync("/api/runs/retry", Json($$"""{"confirm": "{{offer.GetProperty("confirm").GetString()}}"}"""))).ReadAsync()).GetProperty("result");

        Assert.That(result.GetProperty("done").GetInt32(), Is.EqualTo(2));
    }

    [Test]
    public async Task The_pages_ask_for_the_password_name_the_bound_and_carry_the_form_on()
    {
        var clock = Browser.CreateClock();
        await using var host = await StartAsync(clock);
        using var browser = await Browser.SignInAsync(host);
        var plain = await host.EnqueueAsync("""{"job": "tidy"}""");
        var confirmed = await host.EnqueueAsync("""{"job": "tidy", "payload": {"confirm": true}}""");
        await host.Database.ExecuteAsync("UPDATE jobplatform.job_runs SET status = 'canceled', finished_at = now(), error = '{}'");
        await host.Database.ExecuteAsync("""UPDATE jobplatform.jobs SET config = '{"days_to_keep": 90}'""");
        clock.Advance(TimeSpan.FromMinutes(11));
        var post = (string address, (string, string)[] form) => browser.SendAsync(HttpMethod.Post, address, Browser.Form(form), ("Accept", "text/html"));
        var offer = await (await post("/admin/runs/bulk/retry", [("q", "job:tidy")])).Content.ReadAsStringAsync();
        (string Name, string Value)[] bulk = [("q", "job:tidy"), ("at", ValueOf(offer, "at")), ("confirm", ValueOf(offer, "confirm"))];
        (string Address, (string, string)[] Form, string Bound)[] actions =
        [
            ("/admin/jobs/tidy/run", [("payload", """{"max_rows": 1000, "days_to_keep": 1}""")], "days_to_keep"),
            ("/admin/jobs/tidy/versions/1/restore", [], "days_to_keep"),
            ($"/admin/runs/{plain}/retry", [("payload", """{"days_to_keep": 1}""")], "days_to_keep"),
            ($"/admin/runs/{confirmed}/retry", [], "confirm"),
            ("/admin/runs/bulk/retry", bulk, "confirm"),
        ];

        foreach (var (address, form, bound) in actions)
        {
            var answer = await post(address, form);
            var page = await answer.Content.ReadAsStringAsync();
            Assert.That((int)answer.StatusCode, Is.EqualTo(403), page);
            Assert.That(page, Does.Contain("Confirm and go on").And.Contain($"{bound}: ").And.Contain($"value=\"{address}\""));
        }
        await (await browser.PostAsync("/admin/jobs/tidy/run", Browser.Form(("payload", """{"days_to_keep": 1}""")))).ShouldBeProblemAsync(403, "recent-auth-required");
        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs"), Is.EqualTo(2), "nothing is run yet");
        await browser.PostAsync("/admin/confirm", Browser.Form(("password", Browser.Password)));

        foreach (var (address, form, _) in actions) Assert.That((int)(await post(address, form)).StatusCode, Is.EqualTo(303), address);
    }

    private static string ValueOf(string page, string field) => page.Split($"name=\"{field}\" value=\"")[1].Split('"')[0];

    private static async Task<ApiHost> StartAsync(TimeProvider clock)
    {
        var host = await ApiHost.StartAsync(clock, settings: ["MANUAL_RUNS_PER_MINUTE=1000", "TRIGGERS_PER_MINUTE=1000"]);
        await host.Database.ExecuteAsync(
            """INSERT INTO jobplatform.jobs (name, handler, config) VALUES ('tidy', 'cleanup-sessions', '{"days_to_keep": 30, "max_rows": 1000}')""");
        return host;
    }

    private static Task<HttpResponseMessage> RunAsync(Browser browser, string? payload) =>
        browser.PostAsync("/api/jobs/tidy/run", payload is null ? null : Json($$"""{"payload": {{payload}}}"""));

    private static async Task ShouldBeAsync(int status, string? what, HttpResponseMessage answer) =>
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), $"{what}: {await answer.Content.ReadAsStringAsync()}");

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
