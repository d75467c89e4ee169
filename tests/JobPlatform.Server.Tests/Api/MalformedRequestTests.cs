using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Dapper;

namespace JobPlatform.Server.Tests.Api;

/// <summary>Requests that nobody can mean, at every route that there is.</summary>
[NonParallelizable]
public sealed class MalformedRequestTests
{
    private const int Requests = 10_000;
    private const int Seed = 20261122;

    [Test]
    public async Task Ten_thousand_malformed_requests_find_no_mistake_of_the_server_and_change_nothing()
    {
        await using var host = await ApiHost.StartAsync(settings: ["CALLS_PER_MINUTE=1000000", "TRIGGERS_PER_MINUTE=1000000", "SIGN_INS_PER_MINUTE=10000"]);
        await host.AddJobAsync("tidy");
        var runId = await host.EnqueueAsync("""{"job": "tidy"}""");
        await host.Database.ExecuteAsync("INSERT INTO jobplatform.job_handlers (key, url) VALUES ('hook', 'https://hooks.example.com/'); SELECT jobplatform.enqueue_email('ada@example.com', 'Hello', p_text => 'x')");
        // Makes the keys of cookies, once.
        await host.Anonymous.GetAsync("/admin/sign-in");
        using var sender = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8, UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = host.Client.BaseAddress,
        };
        var generator = new Generator(Routes(host), runId);
        var before = await SnapshotAsync(host);
        var statuses = new ConcurrentDictionary<int, int>();
        var wrong = new ConcurrentQueue<string>();
        var hungUp = 0;
        var start = TimeProvider.System.GetTimestamp();

        await Parallel.ForAsync(0, Requests, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (number, cancellation) =>
        {
            // Each by its number, so that one that fails can be made again.
            var random = new Random(Seed + number);
            if (random.Next(50) == 0)
            {
                await SendRawAsync(host, generator.CreateRaw(random), cancellation);
                return;
            }
            using var request = generator.Create(random);
            var name = $"{number}: {request.Method} {request.RequestUri}";
            using var answer = await TrySendAsync(sender, request, cancellation);
            if (answer is null)
            {
                Interlocked.Increment(ref hungUp);
                return;
            }
            var status = (int)answer.StatusCode;
            statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
            if (status >= 500) wrong.Enqueue($"{name}: {status}");
            // What the server refuses while it reads the request line or the headers has no body.
            if (status is >= 400 and not (400 or 414 or 431) && answer.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "text/html")) wrong.Enqueue($"{name}: {status} without a problem");
        });

        TestContext.Out.WriteLine($"{TimeProvider.System.GetElapsedTime(start).TotalSeconds:0.0} s; {string.Join(", ", statuses.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}: {pair.Value}"))}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(wrong.Take(20), Is.Empty);
            Assert.That(await SnapshotAsync(host), Is.EqualTo(before));
            Assert.That(host.Logs.Lines.Where(line => line.Event.Id == 3002 || line.Text.Contains("unhandled exception", StringComparison.OrdinalIgnoreCase)).Take(5), Is.Empty);
            Assert.That(hungUp, Is.LessThan(Requests / 100));
            // The most went past the door: to the routes' own checks.
            Assert.That(statuses.GetValueOrDefault(422) + statuses.GetValueOrDefault(404), Is.GreaterThan(Requests / 3));
        }
    }

    private static List<(string Method, RoutePattern Pattern)> Routes(ApiHost host) => [..
        from route in host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        orderby route.RoutePattern.RawText, method
        select (method, route.RoutePattern)];

    private static async Task<IReadOnlyList<string>> SnapshotAsync(ApiHost host)
    {
        await using var connection = await host.Database.OpenAsync();
        var tables = await connection.QueryAsync<string>("SELECT tablename FROM pg_tables WHERE schemaname = 'jobplatform' ORDER BY tablename");
        var rows = new List<string>();
        foreach (var table in tables)
            rows.Add(await connection.ExecuteScalarAsync<string>(
                $"SELECT '{table} ' || count(*) || ' ' || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM jobplatform.{table} t") ?? "");
        return rows;
    }

    // Null where the server hangs up: a body that it would not read to its end costs the connection, and with it, at times,
    // the next request on it. What went wrong in it would still stand in the log.
    private static async Task<HttpResponseMessage?> TrySendAsync(HttpClient sender, HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            return await sender.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException e) when (e.HttpRequestError == HttpRequestError.ResponseEnded || e.InnerException is IOException)
        {
            return null;
        }
    }

    private static async Task SendRawAsync(ApiHost host, byte[] request, CancellationToken cancellation)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(System.Net.IPAddress.Loopback, host.Client.BaseAddress!.Port, cancellation);
        try
        {
            await using var stream = client.GetStream();
            await stream.WriteAsync(request, cancellation);
            client.Client.Shutdown(SocketShutdown.Send);
            await stream.CopyToAsync(Stream.Null, cancellation);
        }
        catch (IOException)
        {
            // The server may hang up on such a caller.
            return;
        }
    }

    private sealed class Generator(List<(string Method, RoutePattern Pattern)> routes, Guid runId)
    {
        private static readonly string[] Words =
        [
            "", "x", "null", "-1", "0", "99999999999999999999", "1e309", "NaN", "true", "%00", "%ff%fe", "%c0%af", "%F0%9F%98%80", "%e2%80%ae", "%0d%0aSet-Cookie:%20a=b", "..%2f..%2fetc%2fpasswd",
            "'; DROP TABLE jobplatform.jobs; --", "${jndi:ldap://x}", "<script>", "{{7*7}}", "0198c5b8-0000-7000-8000-00000000000g", "00000000-0000-0000-0000-000000000000", "9999-12-31T23:59:59.9999999Z",
            "2026-02-30T00:00:00Z", "infinity", "AAAA", "TmFtZQoKCg", "run", "preview", "%25%2500", "name", "%EF%BB%BF", "1,2", "[]",
        ];

        private static readonly string[] Fields =
        [
            "name", "handler", "cron_expression", "time_zone", "config", "priority", "timeout_seconds", "retry_delays", "overlap", "misfire", "ping_url", "key", "url", "auth", "secret", "signing_secret",
            "headers", "job", "job_id", "payload", "run_at", "dedup_key", "force", "status", "trigger", "from", "to", "retry_of", "confirm", "is_enabled", "description", "",
        ];

        private static readonly string[] Parameters =
            ["search", "enabled", "handler", "status", "sort", "cursor", "limit", "job", "trigger", "from", "to", "retry_of", "after", "wait", "expression", "time_zone", "count", "actor", "action", "level", "event_id", "oops"];

        public HttpRequestMessage Create(Random random)
        {
            var (method, pattern) = routes[random.Next(routes.Count)];
            // Where a body or a version is needed, one that is there may be named: what is sent with it is never right.
            var needsMore = method is "PATCH" or "DELETE" || (method == "POST" && pattern.RawText!.EndsWith("/restore", StringComparison.Ordinal));
            var request = new HttpRequestMessage(new HttpMethod(method), Path(pattern, needsMore, random) + Query(method, pattern, random));
            if (random.Next(12) > 0) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {ApiHost.Key}");
            else if (random.Next(2) == 0) request.Headers.TryAddWithoutValidation("Authorization", Pick(["Bearer", "Bearer x", "Basic !!!", $"Bearer {ApiHost.Key}, Bearer x", new string('b', 5000)], random));
            foreach (var (header, values) in HostileHeaders)
                if (random.Next(6) == 0) request.Headers.TryAddWithoutValidation(header, Pick(values, random));
            if (method is not ("GET" or "HEAD")) request.Content = Body(random);
            return request;
        }

        public byte[] CreateRaw(Random random)
        {
            var (method, pattern) = routes[random.Next(routes.Count)];
            var path = Path(pattern, false, random);
            var line = Pick([$"{method} {path} HTTP/1.1", $"{method} {path}", $"{method} \0{path} HTTP/1.1", $"{new string('M', 200)} {path} HTTP/1.1", $"{method} {path} HTTP/9.9", $"GET {new string('/', 9000)} HTTP/1.1"], random);
            var header = Pick(["Content-Length: -1", "Content-Length: 99999999999999999999", "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: gzip", "Host: a\r\nHost: b", "X: \u0001\u0002", ": x", $"X: {new string('x', 40_000)}", "no colon"], random);
            var body = Pick(["", "no length\r\n", "5\r\nhello\r\nzz\r\n", "{}", "FFFFFFFFFFFFFFFFF\r\n"], random);
            return Encoding.Latin1.GetBytes($"{line}\r\nHost: here\r\nAuthorization: Bearer {ApiHost.Key}\r\nContent-Type: application/json\r\n{header}\r\n\r\n{body}");
        }

        private static readonly (string Name, string[] Values)[] HostileHeaders =
        [
            ("If-Match", ["", "x", "\"999\"", "W/\"1\"", "\"-1\"", "\"1", "\"1\", \"2\"", "\"99999999999999999999\"", new string('"', 3000)]),
            ("If-None-Match", ["*", "\"", "W/"]),
            ("Idempotency-Key", ["", new string('k', 300), "ü", "\u0001"]),
            ("Last-Event-ID", ["-1", "x", "99999999999999999999"]),
            ("Accept", ["", "*", "text/html", "application/xml;q=2"]),
            ("Accept-Encoding", ["gzip, br;q=nope"]),
            ("Cookie", ["jobplatform_session=x", "=;;=", new string('c', 4000)]),
            ("Origin", ["null", "https://evil.example.org", "::::"]),
            ("Sec-Fetch-Site", ["cross-site", "same-origin", "x"]),
            ("X-CSRF-Token", ["x"]),
            ("X-Forwarded-For", ["x", "1.2.3.4, 999.999.999.999", "::1"]),
            ("X-HTTP-Method-Override", ["DELETE"]),
            ("Expect", ["100-continue"]),
        ];

        private string Path(RoutePattern pattern, bool mayExist, Random random) => "/" + string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => part switch
        {
            RoutePatternLiteralPart literal => literal.Content,
            _ when mayExist && random.Next(2) == 0 => Pick(["tidy", "hook", $"{runId}", "1"], random),
            _ => Pick(Words, random) is { Length: > 0 } word ? Escape(word) : new string('y', random.Next(1, 2000)),
        }))));

        private static string Query(string method, RoutePattern pattern, Random random)
        {
            // What takes nothing at all would otherwise be a good request.
            var isBare = method == "POST" && pattern.Parameters.Count == 0;
            if (!isBare && random.Next(3) == 0) return "";
            var parameters = Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"{Pick(Parameters, random)}={(random.Next(10) == 0 ? new string('z', 1500) : Escape(Pick(Words, random)))}");
            return $"?{string.Join('&', isBare ? parameters.Append("oops=1") : parameters)}";
        }

        // None of these is an object that a route would take: each has a field that is none, or is no JSON object at all.
        private static ByteArrayContent Body(Random random)
        {
            var bytes = random.Next(12) switch
            {
                0 => [],
                1 => RandomBytes(random),
                2 => "{\"name\": \"a\","u8.ToArray(),
                3 => Encoding.UTF8.GetBytes(new string('[', random.Next(1, 5000))),
                4 => Encoding.UTF8.GetBytes(Pick(["null", "[]", "\"text\"", "1", "true", "{}{}", "{\"a\":1,\"a\":2}", "{'a':1}", "{\"a\": NaN}", "{\"oops\": \"\\ud800\"}", "{\"oops\": \"\\u0000\"}"], random)),
                5 => [.. "{\"oops\": \""u8, 0xFF, 0xC0, .. "\"}"u8],
                6 => Encoding.UTF8.GetBytes($"{{\"oops\": \"{new string('x', random.Next(60_000, 400_000))}\"}}"),
                7 => Encoding.Unicode.GetBytes("{\"oops\": 1}"),
                8 => Encoding.UTF8.GetBytes($"{{\"oops\": {new string('9', random.Next(1, 60_000))}}}"),
                _ => Encoding.UTF8.GetBytes($"{{{string.Join(", ", Enumerable.Range(0, random.Next(1, 8)).Select(_ => Pick(Fields, random)).Distinct().Select(field => $"\"{field}\": {Value(random)}").Append("\"oops\": 1"))}}}"),
            };
            var content = new ByteArrayContent(bytes);
            if (random.Next(8) > 0) content.Headers.ContentType = new("application/json");
            else content.Headers.TryAddWithoutValidation("Content-Type", Pick(["text/plain", "application/json; charset=utf-16", "application/json, text/html", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "///"], random));
            if (random.Next(30) == 0) content.Headers.TryAddWithoutValidation("Content-Encoding", "gzip");
            return content;
        }

        private static string Value(Random random) => Pick(
            ["null", "true", "-1", "1e400", "0e-99999", "99999999999999999999", "\"\"", "\"x\"", "\"infinity\"", "\"* * * * *\"", "[]", "[[[[]]]]", "{}", "{\"a\": {\"b\": []}}", "\"\\u0000\"", "\"\\ud83d\"", "\"😀\"",
             "\"http://169.254.169.254/\"", "\"file:///etc/passwd\"", "\"0001-01-01T00:00:00Z\"", "\"bearer\"", $"\"{new string('v', 3000)}\""], random);

        private static byte[] RandomBytes(Random random)
        {
            var bytes = new byte[random.Next(1, 500)];
            random.NextBytes(bytes);
            return bytes;
        }

        private static string Escape(string word) => word.Contains('%', StringComparison.Ordinal) ? word : Uri.EscapeDataString(word);

        private static string Pick(string[] from, Random random) => from[random.Next(from.Length)];
    }
}
