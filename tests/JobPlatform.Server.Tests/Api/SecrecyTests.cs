using System.Text;
using Dapper;
using JobPlatform.Core.Administration;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Api;

/// <summary>Every secret there is, marked, and a look through everything that came out.</summary>
[NonParallelizable]
public sealed class SecrecyTests
{
    private const string Mark = "mArK7";

    [Test]
    public async Task No_secret_stands_in_a_log_line_a_page_an_answer_or_a_row()
    {
        // Sends back all that it was sent.
        await using var receiver = await HttpReceiver.StartAsync(async http =>
        {
            http.Response.StatusCode = 500;
            await http.Response.WriteAsync(string.Join('\n', http.Request.Headers.Select(header => $"{header.Key}: {header.Value}")));
        });
        await using var host = await ApiHost.StartAsync(settings:
        [
            "OUTGOING_ALLOW=127.0.0.1", "CALLS_PER_MINUTE=100000", "TRIGGERS_PER_MINUTE=100000", $"JOBS_SECRET_KEY_PREVIOUS={Mark}-previous-0123456789abcdefghijk", $"CRON_SECRET={Mark}-cron-0123456789abcdefghijklmnop",
            $"SMTP_URL=smtp://user:{Mark}-smtp@127.0.0.1:1", "MAIL_FROM=jobs@example.com", $"STRIPE_SECRET_KEY=sk_test_{Mark}stripe0123456789", $"OPENAI_API_KEY={Mark}-openai-0123456789",
        ]);
        var seen = new List<string>();
        var clientKey = await host.Services.GetRequiredService<ApiClients>().AddAsync("reader", [ClientScopes.JobsRead], null, Actor.CommandLine);
        await host.Services.GetRequiredService<AdminAccounts>().AddAsync("ada@example.com", AdminRole.Admin, $"{Mark}-password-of-ada", Actor.CommandLine);

        var signing = $"whsec_{Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Mark}-signing-secret-0123456789"))}";
        var hook = $$"""{"key": "crm", "url": "http://127.0.0.1:{{receiver.Port}}/", "auth": "basic", "auth_name": "jobs", "secret": "{{Mark}}-secret-of-the-webhook", "signing_secret": "{{signing}}"}""";
        (string Method, string Address, string? Json, string? IfMatch)[] calls =
        [
            ("POST", "/api/job-handlers", hook, null), ("POST", "/api/job-handlers", hook, null), ("POST", "/api/job-handlers/crm/test", null, null),
            ("PATCH", "/api/job-handlers/crm", $$"""{"secret": "{{Mark}}-another-secret-of-it"}""", "*"),
            ("PATCH", "/api/job-handlers/crm", $$"""{"secret": ["{{Mark}}"], "signing_secret": "{{Mark}}"}""", "*"),
            ("PATCH", "/api/job-handlers/crm", $$"""{"url": "https://jobs:{{Mark}}@hooks.example.com/"}""", "*"),
            ("POST", "/api/jobs", """{"name": "sync", "handler": "crm"}""", null), ("POST", "/api/jobs/sync/run", null, null), ("GET", "/api/jobs/sync/versions", null, null),
            ("POST", "/api/runs/cancel", "{}", null), ("DELETE", "/api/job-handlers/crm", null, "*"),
        ];
        foreach (var (method, address, json, ifMatch) in calls)
        {
            var answer = await host.SendAsync(method, address, json, ifMatch);
            seen.AddRange([$"{method} {address} {answer}", await answer.Content.ReadAsStringAsync()]);
        }
        foreach (var key in (string?[])[ApiHost.Key, clientKey, $"{Mark}-cron-0123456789abcdefghijklmnop", $"{Mark}-a-wrong-key", null])
        foreach (var address in Addresses(host))
        {
            var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (key is not null) request.Headers.Authorization = Answers.Bearer(key);
            var answer = await host.Anonymous.SendAsync(request);
            seen.AddRange([$"{address} {answer.Headers}", await answer.Content.ReadAsStringAsync()]);
        }
        await using (var connection = await host.Database.OpenAsync())
            foreach (var table in await connection.QueryAsync<string>("SELECT tablename FROM pg_tables WHERE schemaname = 'jobplatform'"))
                seen.AddRange(await connection.QueryAsync<string>($"SELECT t::text FROM jobplatform.{table} t"));
        seen.AddRange(host.Logs.Lines.Select(line => line.Text));

        var all = string.Join('\n', seen);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(receiver.Requests, Is.Not.Empty, "the receiver was not called");
            foreach (var secret in new[] { Mark, ApiHost.Key, clientKey!, signing, signing["whsec_".Length..], Convert.ToBase64String(Encoding.UTF8.GetBytes($"jobs:{Mark}-secret-of-the-webhook")) })
                Assert.That(Around(all, secret), Is.Null);
        }
    }

    private static IEnumerable<string> Addresses(ApiHost host) =>
        from route in host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        where route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("GET") ?? true
        let address = "/" + route.RoutePattern.RawText!.TrimStart('/').Replace("{name}", "sync", StringComparison.Ordinal)
            .Replace("{key}", "crm", StringComparison.Ordinal).Replace("{id}", "1", StringComparison.Ordinal)
        select address;

    // Enough to find the place.
    private static string? Around(string text, string secret)
    {
        var at = text.IndexOf(secret, StringComparison.Ordinal);
        return at < 0 ? null : text[Math.Max(0, at - 200)..Math.Min(text.Length, at + 60)];
    }
}
