using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Security;

/// <summary>The policies for pages that are not the platform's own, such as Hangfire's dashboard.</summary>
public sealed class PageAccessTests
{
    [Test]
    public async Task Whoever_is_signed_in_looks_and_only_an_admin_who_has_just_shown_a_password_changes()
    {
        var clock = Browser.CreateClock();
        await using var host = await StartAsync(clock);
        using var stale = await Browser.SignInAsync(host, email: "stale@example.com");
        clock.Advance(TimeSpan.FromMinutes(11));
        using var admin = await Browser.SignInAsync(host);
        using var viewer = await Browser.SignInAsync(host, AdminRole.Viewer, "vera@example.com");
        var clients = host.Services.GetRequiredService<ApiClients>();
        using var nobody = new Browser(host);
        using var client = new HttpClient { BaseAddress = host.Client.BaseAddress };
        client.DefaultRequestHeaders.Authorization = Answers.Bearer((await clients.AddAsync("rich", [.. ClientScopes.All], null, Actor.CommandLine))!);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await (await admin.GetAsync("/pages")).Content.ReadAsStringAsync(), Is.EqualTo("may change"));
            Assert.That(await (await stale.GetAsync("/pages")).Content.ReadAsStringAsync(), Is.EqualTo("may look"));
            Assert.That(await (await viewer.GetAsync("/pages")).Content.ReadAsStringAsync(), Is.EqualTo("may look"));
            Assert.That(await host.Client.GetStringAsync("/pages"), Is.EqualTo("may change"), "the operator");
            Assert.That((int)(await client.GetAsync("/pages")).StatusCode, Is.EqualTo(403), "a client, whatever its scopes");
            Assert.That((int)(await nobody.GetAsync("/pages")).StatusCode, Is.EqualTo(401));
        }
    }

    [Test]
    public async Task What_is_sent_to_a_page_needs_the_token()
    {
        await using var host = await StartAsync(Browser.CreateClock());
        using var admin = await Browser.SignInAsync(host);

        Assert.That((int)(await admin.PostAsync("/pages")).StatusCode, Is.EqualTo(200));
        admin.Token = null;

        await (await admin.PostAsync("/pages")).ShouldBeProblemAsync(403, "csrf-token-invalid");
    }

    private static Task<ApiHost> StartAsync(TimeProvider clock) => ApiHost.StartAsync(clock,
        add: services => services.AddPageAccess("look", "change"),
        map: routes => routes.MapMethods("/pages", ["GET", "POST"], async (HttpContext context, IAuthorizationService authorization) =>
            (await authorization.AuthorizeAsync(context.User, context, "change")).Succeeded ? "may change" : "may look").RequireAuthorization("look"));
}
