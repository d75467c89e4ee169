using JobPlatform.Server.Tests.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using JobPlatform.Web.Security;

namespace JobPlatform.Server.Tests.Security;

public sealed class HeaderTests
{
    [TestCase("/admin/sign-in")]
    [TestCase("/api/handlers")]
    [TestCase("/nothing")]
    [TestCase("/admin/emails/previews/admin/en")]
    public async Task Every_answer_has_the_same_strict_headers(string address)
    {
        await using var host = await ApiHost.StartAsync();

        var headers = (await host.Anonymous.GetAsync(address)).Headers;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(headers.GetValues("Content-Security-Policy").Single(), Does.StartWith("default-src 'none'; script-src 'self'")
                .And.Contain("frame-ancestors 'none'").And.Not.Contain("unsafe"));
            Assert.That(headers.GetValues("X-Robots-Tag").Single(), Is.EqualTo("noindex, nofollow, noarchive"));
            Assert.That(headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"));
            Assert.That(headers.GetValues("Referrer-Policy").Single(), Is.EqualTo("same-origin"));
            Assert.That(headers.CacheControl?.ToString(), Is.EqualTo("no-store"));
            Assert.That(headers.Contains("Strict-Transport-Security"), Is.False);
        }
    }

    [Test]
    public async Task The_document_of_a_mail_may_have_styles_and_nothing_else_and_stands_in_frames_of_this_server_only()
    {
        await using var host = await ApiHost.StartAsync();

        var answer = await host.Client.GetAsync("/admin/emails/previews/admin/en/html");

        Assert.That(answer.Headers.GetValues("Content-Security-Policy").Single(),
            Is.EqualTo("default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("sync-stripe failed"));
    }

    [TestCase("PUBLIC_URL=https://jobs.example.com", null, "max-age=2592000")]
    [TestCase("TRUSTED_PROXIES=127.0.0.0/8", "https", "max-age=2592000")]
    [TestCase("TRUSTED_PROXIES=10.0.0.1", "https", null)]
    [TestCase("TRUSTED_PROXIES=", "https", null)]
    public async Task Browsers_are_held_to_https_where_it_is_spoken_and_asked_for(string setting, string? forwardedProto, string? expected)
    {
        await using var host = await ApiHost.StartAsync(settings: [setting, "HSTS_DAYS=30"]);
        var request = new HttpRequestMessage(HttpMethod.Get, "/health/live");
        if (forwardedProto is not null) request.Headers.Add("X-Forwarded-Proto", forwardedProto);

        var answer = await host.Anonymous.SendAsync(request);

        Assert.That(answer.Headers.TryGetValues("Strict-Transport-Security", out var values) ? values.Single() : null, Is.EqualTo(expected));
    }

    [TestCase("", "203.0.113.9", "127.0.0.1")]
    [TestCase("127.0.0.1", "203.0.113.9", "203.0.113.9")]
    [TestCase("127.0.0.1", "192.0.2.1, 203.0.113.9", "203.0.113.9")]
    [TestCase("127.0.0.1, 203.0.113.0/24", "192.0.2.1, 203.0.113.9", "192.0.2.1")]
    [TestCase("10.0.0.0/8", "203.0.113.9", "127.0.0.1")]
    public async Task Only_configured_proxies_say_where_a_request_comes_from(string proxies, string forwardedFor, string expected)
    {
        await using var host = await ApiHost.StartAsync(map: MapAddress, settings: $"TRUSTED_PROXIES={proxies}");
        var request = new HttpRequestMessage(HttpMethod.Get, "/address");
        request.Headers.Add("X-Forwarded-For", forwardedFor);
        request.Headers.Add("X-Forwarded-Host", "evil.example");

        var answer = await (await host.Anonymous.SendAsync(request)).Content.ReadAsStringAsync();

        Assert.That(answer, Is.EqualTo($"{expected} {host.Client.BaseAddress!.Host}"));
    }

    private static void MapAddress(IEndpointRouteBuilder routes) => routes
        .MapGet("/address", (HttpContext context) => $"{context.ToActor().Address} {context.Request.Host.Host}").RequireAccess(Access.Anyone);
}
