using System.Text;
using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Security;

/// <summary>Every route against every kind of caller, over HTTP.</summary>
public sealed class AccessMatrixTests
{
    private const string NoRun = "0198c5b8-0000-7000-8000-000000000000";
    private const string SignOut = "POST /admin/sign-out";
    private const string Destruction = "DELETE /api/matrix/destruction";

    // What an allowed caller gets. A new route needs a row here: whom it lets in, and a request that it would answer.
    private static readonly Dictionary<string, Row> Rows = new()
    {
        ["GET /health/live"] = new(Access.Anyone, Ok: 200),
        ["GET /health/ready"] = new(Access.Anyone, Ok: 200),
        ["GET /metrics"] = new(Access.Read, ClientScopes.MetricsRead, Ok: 200),
        ["GET /admin/sign-in"] = new(Access.Anyone, Ok: 200) { SignedIn = 302 },
        ["GET /admin/assets/{digest}/{file}"] = new(Access.Anyone, Ok: 200) { Path = "/admin/assets/any/base.css" },
        ["POST /admin/sign-in"] = new(Access.Anyone, Ok: 401) { Form = "email=nobody@example.com&password=wrong", WithoutToken = 403 },
        ["GET /admin/sign-in/oidc"] = new(Access.Anyone, Ok: 302),
        ["GET /admin/session"] = new(Access.Self, Ok: 200),
        ["POST /admin/confirm"] = new(Access.Self, Ok: 204) { Form = $"password={Browser.Password}" },
        [SignOut] = new(Access.Self, Ok: 204),
        ["GET /admin/"] = new(Access.Read, Ok: 200),
        ["GET /admin/jobs"] = new(Access.Read, Ok: 200),
        ["GET /admin/jobs/{name}"] = new(Access.Read, Ok: 404) { Path = "/admin/jobs/nowhere" },
        ["GET /admin/jobs/{name}/versions"] = new(Access.Read, Ok: 404) { Path = "/admin/jobs/nowhere/versions" },
        ["POST /admin/jobs/bulk"] = new(Access.Write, Ok: 303) { Form = "action=enable" },
        ["POST /admin/jobs/{name}/enable"] = new(Access.Write, Ok: 404) { Path = "/admin/jobs/nowhere/enable", Form = "a=b" },
        ["POST /admin/jobs/{name}/disable"] = new(Access.Write, Ok: 404) { Path = "/admin/jobs/nowhere/disable", Form = "a=b" },
        ["POST /admin/jobs/{name}/run"] = new(Access.Write, ClientScopes.JobsRun, Ok: 303) { Path = "/admin/jobs/nowhere/run", Form = "a=b" },
        ["POST /admin/jobs/{name}/versions/{number}/restore"] = new(Access.Write, Ok: 303) { Path = "/admin/jobs/nowhere/versions/1/restore", Form = "a=b" },
        ["POST /admin/jobs/{name}/delete"] = new(Access.Destroy, Ok: 303) { Path = "/admin/jobs/nowhere/delete", Form = "a=b" },
        ["GET /admin/new-job"] = new(Access.Read, Ok: 200) { Viewer = "403 forbidden" },
        ["POST /admin/new-job"] = new(Access.Write, Ok: 422) { Form = "a=b" },
        ["GET /admin/jobs/{name}/edit"] = new(Access.Read, Ok: 404) { Path = "/admin/jobs/nowhere/edit", Viewer = "403 forbidden" },
        ["POST /admin/jobs/{name}/edit"] = new(Access.Write, Ok: 422) { Path = "/admin/jobs/nowhere/edit", Form = "a=b" },
        ["POST /admin/job-draft"] = new(Access.Read, Ok: 200) { Form = "a=b", Viewer = "403 forbidden" },
        ["GET /admin/runs"] = new(Access.Read, Ok: 200),
        ["GET /admin/runs/{id}"] = new(Access.Read, Ok: 404) { Path = $"/admin/runs/{NoRun}" },
        ["POST /admin/runs/{id}/cancel"] = new(Access.Write, Ok: 404) { Path = $"/admin/runs/{NoRun}/cancel", Form = "a=b" },
        ["POST /admin/runs/{id}/retry"] = new(Access.Write, ClientScopes.JobsRun, Ok: 404) { Path = $"/admin/runs/{NoRun}/retry", Form = "a=b" },
        ["POST /admin/runs/bulk/cancel"] = new(Access.Write, Ok: 200) { Form = "q=" },
        ["POST /admin/runs/bulk/retry"] = new(Access.Write, Ok: 200) { Form = "q=" },
        ["POST /admin/runs/bulk/delete"] = new(Access.Destroy, Ok: 200) { Form = "q=" },
        ["GET /admin/schedules"] = new(Access.Read, Ok: 200),
        ["POST /admin/schedules/{job}/pause"] = new(Access.Write, Ok: 404) { Path = "/admin/schedules/nowhere/pause", Form = "a=b" },
        ["POST /admin/schedules/{job}/resume"] = new(Access.Write, Ok: 404) { Path = "/admin/schedules/nowhere/resume", Form = "a=b" },
        ["POST /admin/schedules/{job}/unschedule"] = new(Access.Destroy, Ok: 404) { Path = "/admin/schedules/nowhere/unschedule", Form = "a=b" },
        ["POST /admin/schedules/purge-orphans"] = new(Access.Destroy, Ok: 303) { Form = "a=b" },
        ["GET /admin/handlers"] = new(Access.Read, Ok: 200),
        ["GET /admin/handlers/{key}"] = new(Access.Read, Ok: 404) { Path = "/admin/handlers/nowhere" },
        ["POST /admin/handlers/{key}/test"] = new(Access.Write, Ok: 404) { Path = "/admin/handlers/nowhere/test", Form = "a=b" },
        ["GET /admin/new-webhook"] = new(Access.Read, Ok: 200) { Viewer = "403 forbidden" },
        ["POST /admin/new-webhook"] = new(Access.Write, Ok: 422) { Form = "a=b" },
        ["GET /admin/directory"] = new(Access.Read, Ok: 200),
        ["GET /admin/new-directory"] = new(Access.Read, Ok: 200) { Viewer = "403 forbidden" },
        ["POST /admin/new-directory"] = new(Access.Write, Ok: 422) { Form = "a=b" },
        ["GET /admin/directory/{id}"] = new(Access.Read, Ok: 404) { Path = $"/admin/directory/{NoRun}" },
        ["GET /admin/directory/{id}/edit"] = new(Access.Read, Ok: 404) { Path = $"/admin/directory/{NoRun}/edit", Viewer = "403 forbidden" },
        ["POST /admin/directory/{id}/edit"] = new(Access.Destroy, Ok: 404) { Path = $"/admin/directory/{NoRun}/edit", Form = "a=b" },
        ["POST /admin/directory/{id}/test"] = new(Access.Write, Ok: 404) { Path = $"/admin/directory/{NoRun}/test", Form = "a=b" },
        ["POST /admin/directory/{id}/sync"] = new(Access.Write, Ok: 404) { Path = $"/admin/directory/{NoRun}/sync", Form = "a=b" },
        ["POST /admin/directory/{id}/delete"] = new(Access.Destroy, Ok: 404) { Path = $"/admin/directory/{NoRun}/delete", Form = "a=b" },
        ["GET /admin/handlers/{key}/edit"] = new(Access.Read, Ok: 404) { Path = "/admin/handlers/nowhere/edit", Viewer = "403 forbidden" },
        ["POST /admin/handlers/{key}/edit"] = new(Access.Destroy, Ok: 404) { Path = "/admin/handlers/nowhere/edit", Form = "a=b" },
        ["POST /admin/handlers/{key}/delete"] = new(Access.Destroy, Ok: 404) { Path = "/admin/handlers/nowhere/delete", Form = "a=b" },
        ["GET /admin/emails"] = new(Access.Read, Ok: 200),
        ["POST /admin/emails/{id}/retry"] = new(Access.Write, Ok: 404) { Path = "/admin/emails/0/retry", Form = "a=b" },
        ["POST /admin/emails/{id}/cancel"] = new(Access.Write, Ok: 404) { Path = "/admin/emails/0/cancel", Form = "a=b" },
        ["GET /admin/emails/previews"] = new(Access.Read, Ok: 200),
        ["GET /admin/emails/previews/{mail}/{language}"] = new(Access.Read, Ok: 200) { Path = "/admin/emails/previews/admin/en" },
        ["GET /admin/emails/previews/{mail}/{language}/html"] = new(Access.Read, Ok: 200) { Path = "/admin/emails/previews/admin/en/html" },
        ["GET /admin/audit"] = new(Access.Read, Ok: 200),
        ["GET /admin/logs"] = new(Access.Read, Ok: 200),
        ["GET /admin/settings"] = new(Access.Read, Ok: 200),
        ["POST /api/jobs/run"] = new(Access.Write, ClientScopes.JobsRun, Ok: 404) { Json = """{"job": "nowhere"}""" },
        ["GET /api/runs/{id}"] = new(Access.Read, ClientScopes.RunsRead, Ok: 404) { Path = $"/api/runs/{NoRun}" },
        ["GET /api/runs/{id}/logs"] = new(Access.Read, ClientScopes.RunsRead, Ok: 404) { Path = $"/api/runs/{NoRun}/logs" },
        ["GET /openapi/v1.json"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200),
        ["GET /api/jobs"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200),
        ["POST /api/jobs"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 422) { Json = "{}" },
        ["POST /api/jobs/preview"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200) { Json = "{}" },
        ["GET /api/jobs/{name}"] = new(Access.Read, ClientScopes.JobsRead, Ok: 404) { Path = "/api/jobs/nowhere" },
        ["PATCH /api/jobs/{name}"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 428) { Path = "/api/jobs/nowhere", Json = "{}" },
        ["DELETE /api/jobs/{name}"] = new(Access.Destroy, ClientScopes.JobsWrite, Ok: 428) { Path = "/api/jobs/nowhere" },
        ["POST /api/jobs/{name}/enable"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 404) { Path = "/api/jobs/nowhere/enable" },
        ["POST /api/jobs/{name}/disable"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 404) { Path = "/api/jobs/nowhere/disable" },
        ["POST /api/jobs/{name}/run"] = new(Access.Write, ClientScopes.JobsRun, Ok: 404) { Path = "/api/jobs/nowhere/run" },
        ["GET /api/jobs/{name}/versions"] = new(Access.Read, ClientScopes.JobsRead, Ok: 404) { Path = "/api/jobs/nowhere/versions" },
        ["POST /api/jobs/{name}/versions/{number}/restore"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 428) { Path = "/api/jobs/nowhere/versions/1/restore" },
        ["GET /api/runs"] = new(Access.Read, ClientScopes.RunsRead, Ok: 200),
        ["GET /api/runs/{id}/attempts"] = new(Access.Read, ClientScopes.RunsRead, Ok: 404) { Path = $"/api/runs/{NoRun}/attempts" },
        ["GET /api/runs/{id}/events"] = new(Access.Read, ClientScopes.RunsRead, Ok: 404) { Path = $"/api/runs/{NoRun}/events" },
        ["POST /api/runs/{id}/cancel"] = new(Access.Write, ClientScopes.RunsWrite, Ok: 404) { Path = $"/api/runs/{NoRun}/cancel" },
        ["POST /api/runs/{id}/retry"] = new(Access.Write, ClientScopes.RunsWrite, Ok: 404) { Path = $"/api/runs/{NoRun}/retry" },
        ["POST /api/runs/cancel"] = new(Access.Write, ClientScopes.RunsWrite, Ok: 200) { Json = "{}" },
        ["POST /api/runs/retry"] = new(Access.Write, ClientScopes.RunsWrite, Ok: 200) { Json = "{}" },
        ["POST /api/runs/delete"] = new(Access.Destroy, ClientScopes.RunsWrite, Ok: 200) { Json = "{}" },
        ["GET /api/schedules"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200),
        ["POST /api/schedules/{job}/pause"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 404) { Path = "/api/schedules/nowhere/pause" },
        ["POST /api/schedules/{job}/resume"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 404) { Path = "/api/schedules/nowhere/resume" },
        ["POST /api/schedules/{job}/unschedule"] = new(Access.Destroy, ClientScopes.JobsWrite, Ok: 404) { Path = "/api/schedules/nowhere/unschedule" },
        ["POST /api/schedules/purge-orphans"] = new(Access.Destroy, ClientScopes.JobsWrite, Ok: 200),
        ["GET /api/cron/next"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200) { Path = "/api/cron/next?expression=@daily" },
        ["GET /api/job-handlers"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200),
        ["POST /api/job-handlers"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 422) { Json = "{}" },
        ["GET /api/job-handlers/{key}"] = new(Access.Read, ClientScopes.JobsRead, Ok: 404) { Path = "/api/job-handlers/nowhere" },
        ["PATCH /api/job-handlers/{key}"] = new(Access.Destroy, ClientScopes.JobsWrite, Ok: 428) { Path = "/api/job-handlers/nowhere", Json = "{}" },
        ["DELETE /api/job-handlers/{key}"] = new(Access.Destroy, ClientScopes.JobsWrite, Ok: 428) { Path = "/api/job-handlers/nowhere" },
        ["POST /api/job-handlers/{key}/test"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 404) { Path = "/api/job-handlers/nowhere/test" },
        ["GET /api/emails"] = new(Access.Read, ClientScopes.EmailsRead, Ok: 200),
        ["GET /api/emails/{id}"] = new(Access.Read, ClientScopes.EmailsRead, Ok: 404) { Path = "/api/emails/0" },
        ["POST /api/emails/{id}/retry"] = new(Access.Write, ClientScopes.EmailsWrite, Ok: 404) { Path = "/api/emails/0/retry" },
        ["POST /api/emails/{id}/cancel"] = new(Access.Write, ClientScopes.EmailsWrite, Ok: 404) { Path = "/api/emails/0/cancel" },
        ["POST /api/events"] = new(Access.Write, ClientScopes.EventsWrite, Ok: 422) { Json = "{}" },
        ["GET /api/{org}/leaderboard/score"] = new(Access.Read, ClientScopes.Leaderboard, Ok: 409) { Path = "/api/nobody/leaderboard/score" },
        ["POST /api/{org}/leaderboard/recompute"] = new(Access.Write, ClientScopes.Leaderboard, Ok: 409) { Path = "/api/nobody/leaderboard/recompute" },
        ["GET /api/alerts"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200),
        ["GET /api/directory"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200),
        ["POST /api/directory"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 422) { Json = "{}" },
        ["GET /api/directory/{id}"] = new(Access.Read, ClientScopes.JobsRead, Ok: 404) { Path = $"/api/directory/{NoRun}" },
        ["PATCH /api/directory/{id}"] = new(Access.Destroy, ClientScopes.JobsWrite, Ok: 428) { Path = $"/api/directory/{NoRun}", Json = "{}" },
        ["DELETE /api/directory/{id}"] = new(Access.Destroy, ClientScopes.JobsWrite, Ok: 428) { Path = $"/api/directory/{NoRun}" },
        ["POST /api/directory/{id}/test"] = new(Access.Write, ClientScopes.JobsWrite, Ok: 404) { Path = $"/api/directory/{NoRun}/test" },
        ["POST /api/directory/{id}/sync"] = new(Access.Write, ClientScopes.DirectorySync, Ok: 404) { Path = $"/api/directory/{NoRun}/sync" },
        ["POST /api/debug/recompute"] = new(Access.Destroy, Ok: 422) { Json = "{}", Operator = "403 session-needed" },
        ["GET /api/audit"] = new(Access.Read, ClientScopes.AuditRead, Ok: 200),
        ["GET /api/logs"] = new(Access.Read, ClientScopes.AuditRead, Ok: 200),
        ["GET /api/statistics"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200),
        // CRON_SECRET alone opens these, and it is nobody's key.
        ["GET /api/internal/jobs/delete-stale-deactivated-accounts"] = new(Access.Anyone, Ok: 401),
        ["POST /api/internal/jobs/delete-stale-deactivated-accounts"] = new(Access.Anyone, Ok: 401),
        ["GET /api/internal/jobs/delete-stale-empty-chats"] = new(Access.Anyone, Ok: 401),
        ["POST /api/internal/jobs/delete-stale-empty-chats"] = new(Access.Anyone, Ok: 401),
        // Stripe's signature opens this one.
        ["POST /api/stripe/webhook"] = new(Access.Anyone, Ok: 401) { Json = "{}" },
        ["GET /api/handlers"] = new(Access.Read, ClientScopes.JobsRead, Ok: 200),
        // The tests' own, so that the strictest rule has a row whatever routes there are.
        [Destruction] = new(Access.Destroy, ClientScopes.JobsWrite, Ok: 204),
    };

    [Test]
    public async Task Every_route_has_a_row_that_agrees_with_what_it_says_of_its_callers()
    {
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(Browser.CreateClock(), provider);

        var routes = FindRoutes(host);

        Assert.Multiple(() =>
        {
            foreach (var (name, rule) in routes)
            {
                Assert.That(rule, Is.Not.Null, $"{name} says nothing about its callers: add .RequireAccess(Access.…) where it is mapped.");
                Assert.That(Rows, Does.ContainKey(name), $"{name} has no row: add one to {nameof(AccessMatrixTests)}.{nameof(Rows)}, with a request that it would answer.");
                if (Rows.TryGetValue(name, out var row))
                    Assert.That(rule, Is.EqualTo(new AccessRule(row.Access, row.Scope)), $"{name}: the row and the route differ about who may call it.");
            }
            Assert.That(Rows.Keys.Except(routes.Keys), Is.Empty, "Rows without a route: take them away.");
        });
    }

    [Test]
    public async Task Every_caller_gets_at_every_route_what_the_matrix_says()
    {
        var clock = Browser.CreateClock();
        await using var provider = await StubProvider.StartAsync();
        await using var host = await StartAsync(clock, provider);
        using var stale = await Browser.SignInAsync(host, email: "stale@example.com");
        clock.Advance(TimeSpan.FromMinutes(11));
        using var admin = await Browser.SignInAsync(host);
        using var viewer = await Browser.SignInAsync(host, AdminRole.Viewer, "vera@example.com");
        var clients = host.Services.GetRequiredService<ApiClients>();
        var poor = await clients.AddAsync("poor", [], null, Actor.CommandLine);
        var rich = await clients.AddAsync("rich", ClientScopes.All.ToList(), null, Actor.CommandLine);

        var callers = new (string Name, Action<HttpRequestMessage> Prepare, Func<string, Row, string> Expect)[]
        {
            ("nobody", _ => { }, (_, row) => row.Access == Access.Anyone ? row.Tokenless : "401 unauthorized"),
            ("wrong key", Key("wrong"), (_, row) => row.Access == Access.Anyone ? row.Tokenless : "401 unauthorized"),
            ("operator", Key(ApiHost.Key), (_, row) => row.Operator ?? (row.Access == Access.Self ? "403 session-needed" : row.Tokenless)),
            ("client without scope", Key(poor!), (_, row) => row.Access switch
            {
                Access.Anyone => row.Tokenless,
                Access.Self => "403 session-needed",
                _ => row.Scope is null ? "403 forbidden" : "403 scope-missing",
            }),
            ("client", Key(rich!), (_, row) => row.Access switch
            {
                Access.Anyone => row.Tokenless,
                Access.Self => "403 session-needed",
                _ => row.Scope is null ? "403 forbidden" : $"{row.Ok}",
            }),
            ("viewer", Session(viewer), (_, row) => row.Access is Access.Write or Access.Destroy ? "403 forbidden" : row.Viewer ?? row.InSession),
            ("admin", Session(admin), (_, row) => row.InSession),
            ("admin without token", Session(admin, token: false), (method, row) => row switch
            {
                { Access: Access.Anyone } => row.WithoutToken is null ? row.InSession : "403 csrf-token-invalid",
                _ => IsChange(method, row) ? "403 csrf-token-invalid" : row.InSession,
            }),
            ("admin with another session's token", Session(admin, token: false) + (request => request.Headers.Add("X-CSRF-Token", viewer.Token)), (method, row) => row switch
            {
                { Access: Access.Anyone } => row.WithoutToken is null ? row.InSession : "403 csrf-token-invalid",
                _ => IsChange(method, row) ? "403 csrf-token-invalid" : row.InSession,
            }),
            ("admin from another site", Session(admin, site: "cross-site"), (method, row) => row switch
            {
                { Access: Access.Anyone } => row.WithoutToken is null ? row.InSession : "403 foreign-origin",
                _ => IsChange(method, row) ? "403 foreign-origin" : row.InSession,
            }),
            ("admin without recent sign-in", Session(stale), (_, row) => row.Access == Access.Destroy ? "403 recent-auth-required" : row.InSession),
        };
        using var sender = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = host.Client.BaseAddress };
        await host.Database.ExecuteAsync("CREATE TABLE public.kept AS TABLE jobplatform.admin_sessions");
        var wrong = new List<string>();
        var sent = 0;
        foreach (var (name, row) in Rows)
        foreach (var (caller, prepare, expect) in callers)
        {
            var method = name.Split(' ')[0];
            var request = row.ToRequest(name);
            prepare(request);
            // From another address each: one alone may not be wrong so often.
            request.Headers.Add("X-Forwarded-For", $"10.1.{sent / 250}.{sent++ % 250}");
            var answer = await sender.SendAsync(request);
            // Of an allowed answer the status counts; of a refusal its kind as well.
            var expected = expect(method, row);
            var got = $"{(int)answer.StatusCode}";
            if (expected.Contains(' ', StringComparison.Ordinal)) got += $" {TypeOf(await answer.Content.ReadAsStringAsync())}";
            if (got != expected) wrong.Add($"{name} as {caller}: {got} instead of {expected}");
            // The next caller has the same session.
            if (name == SignOut) await host.Database.ExecuteAsync("INSERT INTO jobplatform.admin_sessions SELECT * FROM public.kept ON CONFLICT DO NOTHING");
        }

        Assert.That(wrong, Is.Empty);
    }

    private static Task<ApiHost> StartAsync(TimeProvider clock, StubProvider provider) => ApiHost.StartAsync(clock,
        map: routes => routes.MapDelete("/api/matrix/destruction", () => Results.NoContent()).RequireAccess(Access.Destroy, ClientScopes.JobsWrite),
        settings: [$"OIDC_AUTHORITY={provider.Address}", $"OIDC_CLIENT_ID={StubProvider.ClientId}", $"OIDC_CLIENT_SECRET={StubProvider.ClientSecret}", "OIDC_VIEWERS=*",
            "ENABLE_DEBUG_ROUTES=true", "TRUSTED_PROXIES=127.0.0.1", "CALLS_PER_MINUTE=100000", "TRIGGERS_PER_MINUTE=100000", "CHANGES_PER_MINUTE=100000", "MANUAL_RUNS_PER_MINUTE=100000", "DESTRUCTIONS_PER_MINUTE=100000", "SIGN_INS_PER_MINUTE=1000"]);

    private static Dictionary<string, AccessRule?> FindRoutes(ApiHost host) => (
        from route in host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        // HEAD is GET without the body.
        from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Where(method => method != "HEAD") ?? ["ANY"]
        select ($"{method} /{route.RoutePattern.RawText!.TrimStart('/')}", route.Metadata.GetMetadata<AccessRule>())).ToDictionary();

    private static bool IsChange(string method, Row row) => method != "GET" || row.Access is Access.Write or Access.Destroy;

    private static Action<HttpRequestMessage> Key(string key) => request => request.Headers.Authorization = Answers.Bearer(key);

    private static Action<HttpRequestMessage> Session(Browser browser, bool token = true, string site = "same-origin")
    {
        var cookies = string.Join("; ", browser.Cookies.Select(cookie => $"{cookie.Name}={cookie.Value}"));
        return request =>
        {
            request.Headers.Add("Cookie", cookies);
            request.Headers.Add("Sec-Fetch-Site", site);
            if (token) request.Headers.Add("X-CSRF-Token", browser.Token);
        };
    }

    private static string TypeOf(string body) =>
        body.StartsWith('{') ? JsonElement.Parse(body).GetProperty("type").GetString()!.Split(':')[^1] : "(no problem)";

    private sealed record Row(Access Access, string? Scope = null, int Ok = 200)
    {
        /// <summary>The address, where the route has parameters.</summary>
        public string? Path { get; init; }

        public string? Json { get; init; }

        public string? Form { get; init; }

        /// <summary>What somebody gets who is signed in, where it is something else.</summary>
        public int? SignedIn { get; init; }

        /// <summary>What a viewer gets, where it is something else than what an admin gets.</summary>
        public string? Viewer { get; init; }

        /// <summary>What the operator's key gets, where it is something else.</summary>
        public string? Operator { get; init; }

        /// <summary>What one without an antiforgery token gets, where anyone may come.</summary>
        public int? WithoutToken { get; init; }

        public string InSession => $"{SignedIn ?? Ok}";

        public string Tokenless => $"{WithoutToken ?? Ok}";

        public HttpRequestMessage ToRequest(string name) => new(new HttpMethod(name.Split(' ')[0]), Path ?? name.Split(' ')[1])
        {
            Content = Json is not null ? new StringContent(Json, Encoding.UTF8, "application/json")
                : Form is not null ? new StringContent(Form, Encoding.UTF8, "application/x-www-form-urlencoded")
                : null,
        };
    }
}
