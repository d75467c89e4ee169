using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Security;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Api;

public sealed class LeaderboardTests
{
    // Organisation 1 (acme) has boards of users and teams, 2 (empty) nothing at all.
    private const string Rows =
        """
        INSERT INTO public.organisations (id, slug, name, ingest_key) VALUES (1, 'acme', 'Acme', 'a'), (2, 'empty', 'Empty', 'b');
        SELECT public.create_signals_partition('2026-01-15'), public.create_signals_partition('2026-02-01');
        INSERT INTO public.signals (organisation_id, source_id, entity_type, entity_id, kind, amount, occurred_at)
        SELECT 1, n, (ARRAY['user', 'team'])[1 + n % 2], n, 'message', 1, '2026-01-20'::timestamptz + n % 20 * interval '1 day' FROM generate_series(1, 200) n;
        INSERT INTO public.leaderboard_materializations (organisation_id, entity_type, ranking, computed_at, superseded_at) VALUES
            (1, 'user', '[{"entity_id": 7, "score": 2.5, "rank": 1}]', '2026-02-01 08:00Z', NULL), (1, 'team', '[]', '2026-02-01 08:00Z', NULL),
            (1, 'user', '[{"entity_id": 1, "score": 1, "rank": 1}]', '2026-01-01 08:00Z', '2026-02-01 08:00Z');
        """;

    [Test]
    public async Task Fresh_leaderboards_are_shown_and_nothing_runs()
    {
        await using var host = await StartAsync();

        var answer = await host.GetAsync("/api/acme/leaderboard/score");

        Assert.That($"{answer}", Is.EqualTo(
            """{"organisation":"acme","stale":false,"stale_since":null,"leaderboards":[{"entity_type":"team","computed_at":"2026-02-01T08:00:00+00:00","ranking":[]},""" +
            """{"entity_type":"user","computed_at":"2026-02-01T08:00:00+00:00","ranking":[{"rank":1,"score":2.5,"entity_id":7}]}],"remaining":[],"run_id":null}"""));
        Assert.That((await host.GetAsync("/api/empty/leaderboard/score")).GetProperty("leaderboards").GetArrayLength(), Is.Zero);
        Assert.That(await CountRunsAsync(host), Is.Zero);
    }

    [Test]
    public async Task What_a_fresh_leaderboard_lacks_is_scored_in_the_background_by_one_run_however_many_look()
    {
        await using var host = await StartAsync();
        await host.Database.ExecuteAsync(
            """
            UPDATE public.signals SET entity_type = 'project' WHERE source_id = 77;
            UPDATE public.signals SET entity_type = 'agent' WHERE source_id < 10;
            UPDATE public.leaderboard_materializations SET superseded_at = now() WHERE entity_type = 'team' AND superseded_at IS NULL;
            """);

        var first = await host.Client.GetAsync("/api/acme/leaderboard/score");
        var second = await (await host.Client.GetAsync("/api/acme/leaderboard/score")).ReadAsync();

        Assert.That((int)first.StatusCode, Is.EqualTo(202));
        var answer = await first.ReadAsync();
        Assert.That($"{answer.GetProperty("stale")} {answer.GetProperty("remaining")} {answer.GetProperty("leaderboards").GetArrayLength()}",
            Is.EqualTo("""False ["agent","project","team"] 1"""));
        Assert.That($"{second.GetProperty("run_id")}", Is.EqualTo($"{answer.GetProperty("run_id")}"));
        Assert.That(first.Headers.Location!.AbsolutePath, Is.EqualTo($"/api/runs/{answer.GetProperty("run_id")}"));
        Assert.That(await ListRunsAsync(host), Is.EqualTo("""score api operator {"entity_types": ["agent", "project", "team"], "organisation_id": 1}"""));
    }

    [Test]
    public async Task Stale_leaderboards_are_shown_marked_so_and_refreshed_in_the_background_by_one_run()
    {
        await using var host = await StartAsync();
        await host.Database.ExecuteAsync("UPDATE public.organisations SET leaderboard_stale_at = '2026-02-02 08:00Z' WHERE id = 1");

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.Client.GetAsync("/api/acme/leaderboard/score")));

        foreach (var one in answers)
        {
            Assert.That((int)one.StatusCode, Is.EqualTo(202));
            var answer = await one.ReadAsync();
            Assert.That($"{answer.GetProperty("stale")} {answer.GetProperty("stale_since")} {answer.GetProperty("leaderboards").GetArrayLength()} {answer.GetProperty("remaining")}",
                Is.EqualTo("True 2026-02-02T08:00:00+00:00 2 []"));
            Assert.That(one.Headers.Location!.AbsolutePath, Is.EqualTo($"/api/runs/{answer.GetProperty("run_id")}"));
        }
        Assert.That(await ListRunsAsync(host), Is.EqualTo("""refresh api operator {"organisation_id": 1}"""));
    }

    [TestCase("UPDATE jobplatform.jobs SET is_enabled = false")]
    [TestCase("DELETE FROM jobplatform.jobs")]
    public async Task Where_no_enabled_job_could_refresh_them_stale_leaderboards_are_shown_all_the_same(string change)
    {
        await using var host = await StartAsync();
        await host.Database.ExecuteAsync("UPDATE public.organisations SET leaderboard_stale_at = now() WHERE id = 1;" + change);

        var answer = await host.GetAsync("/api/acme/leaderboard/score");

        Assert.That($"{answer.GetProperty("stale")} {answer.GetProperty("leaderboards").GetArrayLength()} {answer.GetProperty("run_id").ValueKind}", Is.EqualTo("True 2 Null"));
    }

    [Test]
    public async Task To_a_client_of_one_organisation_another_one_is_the_same_as_none()
    {
        await using var host = await StartAsync("ENVIRONMENT=Development");
        host.Client.DefaultRequestHeaders.Authorization = Answers.Bearer(
            (await host.Services.GetRequiredService<ApiClients>().AddAsync("acme-app", [ClientScopes.Leaderboard], "acme", Actor.CommandLine))!);
        // Also one that differs in nothing but the case.
        await host.Database.ExecuteAsync("INSERT INTO public.organisations (id, slug, name, ingest_key) VALUES (3, 'ACME', 'x', 'x')");

        Assert.That((int)(await host.Client.GetAsync("/api/acme/leaderboard/score")).StatusCode, Is.EqualTo(200));
        foreach (var (method, route) in new[] { ("GET", "score"), ("POST", "recompute") })
        {
            var refusals = new List<string>();
            foreach (var org in new[] { "empty", "nowhere", "ACME", "acme%20", "empty'--" })
            {
                var answer = await host.SendAsync(method, $"/api/{org}/leaderboard/{route}");
                var problem = await answer.ShouldBeProblemAsync(404, "organisation-not-found");
                refusals.Add($"{problem}".Replace(Uri.UnescapeDataString(org), "*", StringComparison.Ordinal));
            }
            Assert.That(refusals.Distinct().Count(), Is.EqualTo(1), string.Join('\n', refusals));
        }
        Assert.That(await CountRunsAsync(host), Is.Zero);
    }

    [Test]
    public async Task To_others_an_organisation_that_is_not_there_is_404_too()
    {
        await using var host = await StartAsync();
        using var viewer = await Browser.SignInAsync(host, AdminRole.Viewer, "vera@example.com");

        await (await host.Client.GetAsync("/api/nowhere/leaderboard/score")).ShouldBeProblemAsync(404, "organisation-not-found");
        Assert.That((int)(await viewer.SendAsync(HttpMethod.Get, "/api/acme/leaderboard/score")).StatusCode, Is.EqualTo(200));
    }

    [Test]
    public async Task An_application_without_leaderboards_is_told_what_it_lacks()
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.Client.GetAsync("/api/acme/leaderboard/score")).ShouldBeProblemAsync(409, "no-leaderboards");

        Assert.That($"{problem.GetProperty("detail")}", Does.Contain("\"public.organisations\" does not exist"));
    }

    [Test]
    public async Task Recomputing_is_one_run_that_reads_all_anew()
    {
        await using var host = await StartAsync("ENVIRONMENT=Development");
        await host.AddJobAsync("recompute", "recompute-leaderboard");

        var first = await host.SendAsync("POST", "/api/acme/leaderboard/recompute");
        var second = await (await host.SendAsync("POST", "/api/acme/leaderboard/recompute")).ReadAsync();

        Assert.That((int)first.StatusCode, Is.EqualTo(202), await first.Content.ReadAsStringAsync());
        Assert.That($"{second.GetProperty("existing")} {second.GetProperty("run_id")}", Is.EqualTo($"True {(await first.ReadAsync()).GetProperty("run_id")}"));
        Assert.That(await ListRunsAsync(host), Is.EqualTo("""recompute api operator {"reingest": true, "organisation_id": 1}"""));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', actor, action, subject), ', ') FROM jobplatform.admin_logs WHERE action = 'job.run'"),
            Is.EqualTo("operator job.run recompute"));
    }

    [TestCase("ENVIRONMENT=Production")]
    [TestCase("ENVIRONMENT=Staging")]
    [TestCase("ENVIRONMENT=")]
    [TestCase("ENABLE_DEBUG_ROUTES=true")]
    public async Task Recomputing_is_refused_in_production(string setting)
    {
        await using var host = await StartAsync(setting);
        await host.AddJobAsync("recompute", "recompute-leaderboard");
        using var admin = await Browser.SignInAsync(host);

        await (await host.SendAsync("POST", "/api/acme/leaderboard/recompute")).ShouldBeProblemAsync(403, "not-in-production");
        await (await admin.SendAsync(HttpMethod.Post, "/api/acme/leaderboard/recompute")).ShouldBeProblemAsync(403, "not-in-production");

        Assert.That(await CountRunsAsync(host), Is.Zero);
    }

    [TestCase("""{"organisation": "acme"}""", "false")]
    [TestCase("""{"organisation": "acme", "reingest": true}""", "true")]
    public async Task An_admin_recomputes_in_production_by_the_debug_route_and_reads_anew_only_when_asked(string body, string reingest)
    {
        await using var host = await StartAsync("ENABLE_DEBUG_ROUTES=true");
        await host.AddJobAsync("recompute", "recompute-leaderboard");
        using var admin = await Browser.SignInAsync(host);

        var answer = await admin.SendAsync(HttpMethod.Post, "/api/debug/recompute", Json(body));

        Assert.That((int)answer.StatusCode, Is.EqualTo(202), await answer.Content.ReadAsStringAsync());
        Assert.That(await ListRunsAsync(host), Is.EqualTo($"recompute manual admin:ada@example.com {{\"reingest\": {reingest}, \"organisation_id\": 1}}"));
    }

    [Test]
    public async Task The_debug_route_is_not_there_without_its_setting_and_serves_no_key()
    {
        await using (var host = await StartAsync("ENVIRONMENT=Development"))
        {
            using var admin = await Browser.SignInAsync(host);
            await (await admin.SendAsync(HttpMethod.Post, "/api/debug/recompute", Json("""{"organisation": "acme"}"""))).ShouldBeProblemAsync(404, "not-found");
        }
        await using var open = await StartAsync("ENABLE_DEBUG_ROUTES=true");
        using var other = await Browser.SignInAsync(open);

        await (await open.SendAsync("POST", "/api/debug/recompute", """{"organisation": "acme"}""")).ShouldBeProblemAsync(403, "session-needed");
        await (await other.SendAsync(HttpMethod.Post, "/api/debug/recompute", Json("""{"organisation": "nowhere"}"""))).ShouldBeProblemAsync(404, "organisation-not-found");
        await (await other.SendAsync(HttpMethod.Post, "/api/debug/recompute", Json("""{"organisation": "acme"}"""))).ShouldBeProblemAsync(409, "no-such-job");
    }

    private static async Task<ApiHost> StartAsync(params string[] settings)
    {
        var host = await ApiHost.StartAsync(withSample: true, settings: settings);
        await host.Database.ExecuteAsync(Rows);
        await host.AddJobAsync("refresh", "refresh-leaderboard");
        await host.AddJobAsync("score", "score-leaderboard-entities");
        return host;
    }

    private static StringContent Json(string body) => new(body, System.Text.Encoding.UTF8, "application/json");

    private static Task<int> CountRunsAsync(ApiHost host) => host.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_runs");

    private static async Task<string?> ListRunsAsync(ApiHost host) => await host.Database.ScalarAsync<string>(
        "SELECT string_agg(concat_ws(' ', j.name, r.trigger, r.triggered_by, r.payload), ', ' ORDER BY r.id) FROM jobplatform.job_runs r JOIN jobplatform.jobs j ON j.id = r.job_id");
}
