using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Dapper;
using JobPlatform.Core.Webhooks;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Tests.Webhooks;

/// <summary>A receiver that repeats all that it was sent, in every way that it can, and everything that came out is searched.</summary>
public sealed class WebhookSecrecyTests
{
    private const string Secret = "Marked-Secret/of+a=webhook\"&<4711>";

    [TestCase(WebhookAuth.Bearer, null)]
    [TestCase(WebhookAuth.Basic, "user")]
    [TestCase(WebhookAuth.ApiKey, null)]
    [TestCase(WebhookAuth.Header, "Authorization")]
    public async Task No_secret_of_a_webhook_is_in_any_table_or_log_whatever_the_receiver_repeats(WebhookAuth auth, string? name)
    {
        var signing = WebhookSignature.CreateSecret();
        var log = new Lines();
        await using var bench = await WebhookBench.StartAsync(http => RepeatAsync(http, signing), logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log));
        await bench.AddAsync(webhook => webhook with { Auth = auth, AuthName = name, TimeoutSeconds = 1 }, new WebhookSecrets { Auth = Secret, Signing = signing }, "max_attempts = 1");
        foreach (var status in (int[])[200, 302, 400, 500])
            foreach (var kind in (string[])["json", "text", "html", "query"])
                await bench.RunAsync(new { status, kind });
        await bench.RunAsync(new { status = 200, kind = "silence" });
        await bench.Store.DeleteAsync("crm", 1, new("test"));
        await bench.RunAsync();

        var everything = await DumpAsync(bench.Database) + string.Join('\n', log.All);

        Assert.That(bench.Receiver.Requests.Select(request => string.Concat(request.Headers.Values)),
            Has.All.Contains(auth == WebhookAuth.Basic ? Credentials : Secret), "the receiver knows the secret, and so could tell it");
        Assert.That(everything, Does.Contain("[secret]").And.Contain("The webhook 'crm'"));
        foreach (var form in (string[])[Secret, Uri.EscapeDataString(Secret), System.Net.WebUtility.HtmlEncode(Secret), JsonSerializer.Serialize(Secret).Trim('"'),
            Credentials, Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Secret)), signing[6..40]])
            Assert.That(everything, Does.Not.Contain(form));
    }

    private static readonly string Credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"user:{Secret}"));

    private static async Task RepeatAsync(HttpContext http, string signing)
    {
        // The receiver knows the signing secret too.
        var said = string.Join(' ', http.Request.Headers.Where(header => header.Key != "webhook-signature").Select(header => $"{header.Key}: {header.Value}")) + $" {signing} {signing[6..]}";
        var config = JsonElement.Parse(((ReceivedRequest)http.Items[typeof(ReceivedRequest)]!).Body).GetProperty("config");
        var kind = config.GetProperty("kind").GetString();
        http.Response.StatusCode = config.GetProperty("status").GetInt32();
        http.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = Secret;
        http.Response.Headers.Location = $"https://{Uri.EscapeDataString(Secret)}.example.com/";
        if (kind == "silence") await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, http.RequestAborted);
        if (kind == "json") await http.Response.WriteAsJsonAsync(new Dictionary<string, string> { [Secret] = said });
        else await http.Response.WriteAsync(kind switch { "html" => System.Net.WebUtility.HtmlEncode(said), "query" => Uri.EscapeDataString(said), _ => said });
    }

    private static async Task<string> DumpAsync(TestDatabase database)
    {
        await using var connection = await database.OpenAsync();
        var all = new StringBuilder();
        foreach (var table in await connection.QueryAsync<string>("SELECT tablename FROM pg_tables WHERE schemaname = 'jobplatform'"))
            all.AppendLine(await connection.ExecuteScalarAsync<string>($"SELECT string_agg(t::text, E'\\n') FROM jobplatform.{table} t"));
        // A row's text doubles quotes and backslashes.
        return all.ToString().Replace("\"\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> All { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose() { }
    }
}
