#if HANGFIRE_ENGINE
using System.Net;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Engine.Hangfire;
using JobPlatform.Engine.Hangfire.Dashboard;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace JobPlatform.Engine.Tests;

/// <summary>Hangfire's dashboard over a real socket: who gets in, and what it shows of the platform.</summary>
public sealed class HangfireDashboardTests
{
    [Test]
    public async Task It_shows_pages_styles_and_the_way_from_a_job_to_its_run_and_back_but_no_password()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "nothing");
        await using var worker = await TestPlatform.StartAsync(database.ConnectionString, engine: EngineKind.Hangfire);
        await using var app = await StartAsync(database);
        using var client = ClientOf(app, "admin");

        var run = await worker.WaitForEndAsync(await worker.EnqueueAsync("greet"));

        Assert.That(run.EngineUrl, Does.StartWith("/hangfire/jobs/details/"));
        var job = await client.GetStringAsync(run.EngineUrl);
        Assert.That(job, Does.Contain($"/admin/runs/{run.Id}").And.Contain("greet"));
        var home = await client.GetStringAsync("/hangfire");
        Assert.That(home, Does.Contain("\"/admin/jobs\"").And.Contain("\"/admin/runs\"").And.Not.Contain(new NpgsqlConnectionStringBuilder(database.ConnectionString).Password!));
        var style = System.Text.RegularExpressions.Regex.Match(home, "href=\"(/hangfire/css[^\"]*)\"").Groups[1].Value;
        Assert.That((await client.GetByteArrayAsync(style)).Length, Is.GreaterThan(100_000));
    }

    [Test]
    public async Task Nobody_gets_in_whom_the_hosts_policy_does_not_let_in()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var app = await StartAsync(database);
        using var client = ClientOf(app, "nobody");

        Assert.That((await client.GetAsync(new Uri("/hangfire", UriKind.Relative))).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task Who_may_only_look_is_shown_no_way_to_change()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var worker = await TestPlatform.StartAsync(database.ConnectionString, engine: EngineKind.Hangfire);
        await database.AddJobAsync("greet", "nothing");
        var run = await worker.WaitForEndAsync(await worker.EnqueueAsync("greet"));
        await using var app = await StartAsync(database);
        using var viewer = ClientOf(app, "viewer");
        using var admin = ClientOf(app, "admin");

        Assert.That(await viewer.GetStringAsync(run.EngineUrl), Does.Contain("greet").And.Not.Contain("actions/requeue"));
        Assert.That(await admin.GetStringAsync(run.EngineUrl), Does.Contain("actions/requeue"));
    }

    [Test]
    public async Task A_command_without_the_forgery_token_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var app = await StartAsync(database);
        using var client = ClientOf(app, "admin");
        using var command = new FormUrlEncodedContent([new("jobs[]", "1")]);

        Assert.That((await client.PostAsync(new Uri("/hangfire/jobs/failed/requeue", UriKind.Relative), command)).StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    private static async Task<WebApplication> StartAsync(TestDatabase database)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRouting().AddSingleton(TimeProvider.System).AddSingleton(new PlatformDatabase(database.ConnectionString))
            .AddSingleton(new HandlerCatalog([typeof(ProbeHandler).Assembly], new ConfigurationBuilder().Build()))
            .AddSingleton(new SecretRedactor([])).AddSingleton<AuditLog>().AddSingleton<JobStore>().AddSingleton<RunStore>().AddSingleton<RunEnqueuer>()
            .AddHangfireEngine(new EngineOptions { Role = "web" }).AddHangfireDashboard();
        builder.Services.AddAuthorizationBuilder()
            .AddPolicy(HangfireDashboard.ViewPolicy, policy => policy.RequireAssertion(context => WhoIs(context) is "viewer" or "admin"))
            .AddPolicy(HangfireDashboard.ChangePolicy, policy => policy.RequireAssertion(context => WhoIs(context) == "admin"));
        builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie(cookie => cookie.Events.OnRedirectToLogin = context =>
            {
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return Task.CompletedTask;
            });
        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapHangfireDashboard();
        await app.StartAsync();
        return app;
    }

    private static string? WhoIs(AuthorizationHandlerContext context) => ((HttpContext)context.Resource!).Request.Headers["Who"];

    private static HttpClient ClientOf(WebApplication app, string who) =>
        new() { BaseAddress = new Uri(app.Urls.Single()), DefaultRequestHeaders = { { "Who", who } } };
}
#endif
