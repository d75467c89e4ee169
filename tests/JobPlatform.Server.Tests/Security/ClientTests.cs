using System.Net;
using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Security;

public sealed class ClientTests
{
    [Test]
    public async Task A_client_runs_jobs_in_its_own_name_and_forces_none()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        await AuthorizeAsync(host, "shop", ClientScopes.JobsRun);

        var run = await host.RunAsync("""{"job": "tidy"}""");
        var forced = await host.RunAsync("""{"job": "tidy", "force": true}""");

        Assert.That(run.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
        await forced.ShouldBeProblemAsync(403, "scope-missing");
        Assert.That(await host.Database.ScalarAsync<string>("SELECT concat_ws(' ', trigger, triggered_by) FROM jobplatform.job_runs"), Is.EqualTo("api client:shop"));
        Assert.That(await host.Database.ScalarAsync<string>(
            "SELECT concat_ws(' ', actor, action, subject, host(address), details ->> 'run_id') FROM jobplatform.admin_logs ORDER BY id DESC LIMIT 1"),
            Is.EqualTo($"client:shop job.run tidy 127.0.0.1 {(await run.ReadAsync()).GetProperty("run_id")}"));
    }

    [Test]
    public async Task The_row_does_not_show_the_key_and_a_disabled_client_is_out_within_seconds()
    {
        var clock = new FakeClock();
        await using var host = await ApiHost.StartAsync(clock);
        var key = await AuthorizeAsync(host, "shop", ClientScopes.JobsRead);
        Assert.That((await host.Client.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT c::text FROM jobplatform.api_clients c"), Does.Not.Contain(key).And.Contain("shop"));
        Assert.That(await host.Database.ScalarAsync<bool>("SELECT last_used_at IS NOT NULL FROM jobplatform.api_clients"));

        await host.Services.GetRequiredService<ApiClients>().DisableAsync("shop", Actor.CommandLine);
        clock.Advance(TimeSpan.FromSeconds(5));

        await (await host.Client.GetAsync("/api/handlers")).ShouldBeProblemAsync(401, "unauthorized");
    }

    [Test]
    public async Task A_clients_company_stands_on_its_caller()
    {
        await using var host = await ApiHost.StartAsync(map: routes =>
            routes.MapGet("/company", (HttpContext context) => context.FindCaller()!.Company).RequireAccess(Access.Read, ClientScopes.Leaderboard));
        host.Client.DefaultRequestHeaders.Authorization = Answers.Bearer(
            (await host.Services.GetRequiredService<ApiClients>().AddAsync("acme-app", [ClientScopes.Leaderboard], "acme", Actor.CommandLine))!);

        Assert.That(await host.Client.GetStringAsync("/company"), Is.EqualTo("acme"));
    }

    [Test]
    public async Task A_client_of_one_company_reads_no_list_that_holds_every_companys_rows()
    {
        await using var host = await ApiHost.StartAsync();
        host.Client.DefaultRequestHeaders.Authorization = Answers.Bearer(
            (await host.Services.GetRequiredService<ApiClients>().AddAsync("acme-app", [ClientScopes.RunsRead], "acme", Actor.CommandLine))!);

        await (await host.Client.GetAsync("/api/runs")).ShouldBeProblemAsync(403, "scope-missing");
    }

    [Test]
    public async Task A_key_changes_so_much_a_minute_and_still_reads()
    {
        await using var host = await ApiHost.StartAsync(settings: "TRIGGERS_PER_MINUTE=3");
        for (var call = 0; call < 3; call++) Assert.That((await host.RunAsync("""{"job": "nowhere"}""")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));

        await (await host.RunAsync("""{"job": "nowhere"}""")).ShouldBeProblemAsync(429, "too-many-requests");

        Assert.That((await host.Client.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_request_with_a_key_is_the_keys_whatever_cookies_come_along()
    {
        await using var host = await ApiHost.StartAsync();
        using var browser = await Browser.SignInAsync(host);

        var answer = await browser.SendAsync(HttpMethod.Get, "/api/handlers", null, ("Authorization", "Bearer wrong"));

        await answer.ShouldBeProblemAsync(401, "unauthorized");
    }

    [Test]
    public async Task A_retry_with_another_payload_is_a_run_and_needs_its_scope()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        await host.Database.ExecuteAsync("UPDATE jobplatform.job_runs SET status = 'canceled', finished_at = now(), error = '{}'");
        await AuthorizeAsync(host, "ops", ClientScopes.RunsWrite);

        var edited = await host.SendAsync("POST", $"/api/runs/{id}/retry", """{"payload": {"message": "hi"}}""");
        var plain = await host.SendAsync("POST", $"/api/runs/{id}/retry");
        await AuthorizeAsync(host, "both", ClientScopes.RunsWrite, ClientScopes.JobsRun);
        var allowed = await host.SendAsync("POST", $"/api/runs/{id}/retry", """{"payload": {"message": "hi"}}""");

        Assert.That((await edited.ShouldBeProblemAsync(403, "scope-missing")).GetProperty("detail").GetString(), Does.Contain("jobs:run"));
        Assert.That((plain.StatusCode, allowed.StatusCode), Is.EqualTo((HttpStatusCode.Accepted, HttpStatusCode.Accepted)));
    }

    [Test]
    public async Task Keys_that_are_none_are_looked_for_a_few_times_a_minute_and_hinder_no_key_that_was_good()
    {
        await using var host = await ApiHost.StartAsync(settings: "TRUSTED_PROXIES=127.0.0.1");
        var clients = host.Services.GetRequiredService<ApiClients>();
        var (known, late) = ((await clients.AddAsync("known", [ClientScopes.JobsRead], null, Actor.CommandLine))!, (await clients.AddAsync("late", [ClientScopes.JobsRead], null, Actor.CommandLine))!);
        var ask = async (string key, string address) => (int)(await host.Anonymous.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/api/handlers")
        {
            Headers = { Authorization = Answers.Bearer(key), },
        }.From(address))).StatusCode;
        Assert.That(await ask(known, "10.0.0.1"), Is.EqualTo(200));
        for (var guess = 0; guess < 30; guess++) await ask($"jpc_{guess:D43}", "10.0.0.1");

        Assert.That(await ask(known, "10.0.0.1"), Is.EqualTo(200), "a key that was good before");
        Assert.That(await ask(late, "10.0.0.1"), Is.Not.EqualTo(200), "a key that would have to be looked for");
        Assert.That(await ask(late, "10.0.0.2"), Is.EqualTo(200));
    }

    [Test]
    public async Task A_route_with_a_scope_that_is_not_in_the_list_does_not_start()
    {
        var fault = await Assert.ThrowsAsync<ArgumentException>(() =>
            ApiHost.StartAsync(map: routes => routes.MapGet("/x", () => "").RequireAccess(Access.Read, "job:read")));

        Assert.That(fault!.Message, Does.StartWith("scope: 'job:read' is not one of").And.Contain("Did you mean jobs:read?"));
    }

    private static async Task<string> AuthorizeAsync(ApiHost host, string name, params string[] scopes)
    {
        var key = await host.Services.GetRequiredService<ApiClients>().AddAsync(name, scopes, null, Actor.CommandLine);
        host.Client.DefaultRequestHeaders.Authorization = Answers.Bearer(key!);
        return key!;
    }
}

file static class Requests
{
    public static HttpRequestMessage From(this HttpRequestMessage request, string address)
    {
        request.Headers.Add("X-Forwarded-For", address);
        return request;
    }
}
