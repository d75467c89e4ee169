using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class SecurityTests
{
    [Test]
    public async Task Without_a_good_key_every_address_answers_the_same()
    {
        await using var host = await ApiHost.StartAsync(map: MapUndecided, settings: "CALLS_PER_MINUTE=1000");
        var answers = new List<string>();
        foreach (var address in new[] { "/api/jobs/run", "/api/runs/1", "/api/handlers", "/api", "/api/nothing", "/undecided", "/nothing" })
        foreach (var authorization in new[] { null, "Bearer wrong", "Basic b3BlcmF0b3I6" })
        {
            var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
            var answer = await host.Anonymous.SendAsync(request);
            await answer.ShouldBeProblemAsync(401, "unauthorized");
            Assert.That(answer.Headers.WwwAuthenticate.ToString(), Is.EqualTo("Bearer"));
            answers.Add(await answer.Content.ReadAsStringAsync());
        }
        Assert.That(answers.Distinct().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_route_that_nobody_decided_about_serves_nobody()
    {
        await using var host = await ApiHost.StartAsync(map: MapUndecided);

        await (await host.Client.GetAsync("/undecided")).ShouldBeProblemAsync(403, "forbidden");
    }

    private static void MapUndecided(IEndpointRouteBuilder routes) => routes.MapGet("/undecided", () => "a route that nobody decided about");

    [TestCase("Bearer " + ApiHost.Key, 404)]
    [TestCase("bearer  " + ApiHost.Key, 404)]
    [TestCase("Bearer " + ApiHost.PreviousKey, 404)]
    [TestCase(ApiHost.Key, 401)]
    [TestCase("Bearer " + ApiHost.Key + "x", 401)]
    [TestCase("Bearer", 401)]
    [TestCase("Bearer ", 401)]
    public async Task Only_a_whole_key_is_a_key(string authorization, int status)
    {
        await using var host = await ApiHost.StartAsync();
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/nothing");
        request.Headers.TryAddWithoutValidation("Authorization", authorization);

        Assert.That((int)(await host.Anonymous.SendAsync(request)).StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task The_key_is_checked_before_the_body_is_read()
    {
        await using var host = await ApiHost.StartAsync();
        // The sender waits for a word before it sends the body, and gets a 401 instead.
        using var client = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) }) { BaseAddress = host.Client.BaseAddress };
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/jobs/run") { Content = new UnreadContent() };
        request.Headers.ExpectContinue = true;

        await (await client.SendAsync(request)).ShouldBeProblemAsync(401, "unauthorized");
        Assert.That(((UnreadContent)request.Content).WasSent, Is.False);
    }

    [Test]
    public async Task An_address_without_a_route_and_a_wrong_method_are_problems()
    {
        await using var host = await ApiHost.StartAsync();

        await (await host.Client.GetAsync("/api/nothing")).ShouldBeProblemAsync(404, "not-found");
        var wrong = await host.Client.DeleteAsync("/api/handlers");

        await wrong.ShouldBeProblemAsync(405, "method-not-allowed");
        Assert.That(string.Join(", ", wrong.Content.Headers.Allow), Is.EqualTo("GET"));
    }

    [Test]
    public async Task A_caller_has_its_calls_per_minute()
    {
        await using var host = await ApiHost.StartAsync(settings: "CALLS_PER_MINUTE=3");
        for (var call = 0; call < 3; call++) Assert.That((await host.Client.GetAsync("/api/nothing")).StatusCode, Is.EqualTo(HttpStatusCode.NotFound));

        var answer = await host.Client.GetAsync("/api/nothing");

        await answer.ShouldBeProblemAsync(429, "too-many-requests");
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.InRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)));
        Assert.That((await host.Anonymous.GetAsync("/health/live")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("/api/handlers")]
    [TestCase("/undecided")]
    public async Task Guesses_of_the_key_are_few_and_lock_out_nobody(string address)
    {
        await using var host = await ApiHost.StartAsync(map: MapUndecided, settings: "CALLS_PER_MINUTE=1000");
        using var guessing = new HttpClient { BaseAddress = host.Client.BaseAddress, DefaultRequestHeaders = { Authorization = Answers.Bearer("guess") } };
        for (var guess = 0; guess < 30; guess++) Assert.That((await guessing.GetAsync(address)).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));

        Assert.That((await guessing.GetAsync(address)).StatusCode, Is.EqualTo(HttpStatusCode.TooManyRequests));
        Assert.That((await host.Client.GetAsync("/api/handlers")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("/api/handlers", 200)]
    [TestCase("/api/nothing", 404)]
    [TestCase("/api/runs/0198c5b8-0000-7000-8000-000000000000?wait=x", 422)]
    [TestCase("/api/runs/0198c5b8-0000-7000-8000-000000000000", 500)]
    [TestCase("/health/live", 200)]
    public async Task Every_answer_is_kept_out_of_indexes_and_caches(string address, int status)
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync("DROP TABLE jobplatform.job_runs CASCADE");

        var answer = await host.Client.GetAsync(address);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(status));
            Assert.That(answer.Headers.GetValues("X-Robots-Tag").Single(), Is.EqualTo("noindex, nofollow, noarchive"));
            Assert.That(answer.Headers.CacheControl?.ToString(), Is.EqualTo("no-store"));
            Assert.That(answer.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"));
        }
    }

    [Test]
    public async Task A_mistake_of_the_server_shows_a_trace_id_and_nothing_else()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync("DROP TABLE jobplatform.job_runs CASCADE");

        var problem = await (await host.Client.GetAsync($"/api/runs/{Guid.Empty}")).ShouldBeProblemAsync(500, "internal-error");

        var traceId = problem.GetProperty("trace_id").GetString()!;
        Assert.That(problem.GetRawText(), Does.Not.Contain("job_runs"));
        var logged = host.Logs.Lines.Where(line => line.Text.Contains("42P01", StringComparison.Ordinal)).ToList();
        Assert.That(logged, Has.Count.EqualTo(1));
        Assert.That(logged[0].Text, Does.Contain(traceId));
    }

    [Test]
    public async Task Without_its_database_it_says_when_to_try_again()
    {
        await using var host = await ApiHost.StartAsync(platform: "Host=127.0.0.1;Port=1;Username=u;Database=nowhere");

        var answer = await host.RunAsync("""{"job": "tidy"}""");

        await answer.ShouldBeProblemAsync(503, "database-unavailable");
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public async Task Neither_key_nor_payload_reaches_the_log()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        await host.RunAsync("""{"job": "tidy", "payload": {"message": "told-in-confidence"}}""");
        await host.RunAsync("""{"job": "tidy", "payload": {"told-in-confidence": 1}}""");
        await host.RunAsync("""{"told-in-confidence" 1""");
        await host.Anonymous.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/api/handlers") { Headers = { Authorization = Answers.Bearer("told-in-confidence") } });

        var texts = host.Logs.Lines.Select(line => line.Text).ToList();

        Assert.That(host.Logs.Lines.Select(line => line.Event.Id), Has.Some.EqualTo(3021));
        Assert.That(texts, Has.None.Contain("told-in-confidence").And.None.Contain(ApiHost.Key));
    }

    [Test]
    public async Task Requests_without_a_key_are_limited_everywhere_and_write_one_line_a_minute()
    {
        var clock = new FakeClock();
        await using var host = await ApiHost.StartAsync(clock);
        for (var call = 0; call < 10; call++) await (await host.Anonymous.GetAsync("/nowhere")).ShouldBeProblemAsync(401, "unauthorized");
        clock.Advance(TimeSpan.FromMinutes(1));
        HttpResponseMessage answer;
        do answer = await host.Anonymous.GetAsync("/nowhere");
        while (answer.StatusCode == HttpStatusCode.Unauthorized);

        await answer.ShouldBeProblemAsync(429, "too-many-requests");
        Assert.That(host.Logs.Lines.Where(line => line.Event.Id == 3021).Select(line => line.Text.Split(' ')[0]), Is.EqualTo((string[])["1", "10"]));
        Assert.That((await host.Anonymous.GetAsync("/admin/sign-in")).StatusCode, Is.EqualTo(HttpStatusCode.OK), "who wants to sign in may");
    }

    [Test]
    public async Task Any_number_of_probes_share_one_look_at_the_database_a_second()
    {
        var clock = new FakeClock();
        await using var host = await ApiHost.StartAsync(clock);

        for (var probe = 0; probe < 20; probe++) await host.Anonymous.GetAsync("/health/ready");
        Assert.That(host.Logs.Lines.Count(line => line.Event.Id == 3011), Is.EqualTo(1));
        clock.Advance(TimeSpan.FromSeconds(1));
        await host.Anonymous.GetAsync("/health/ready");

        Assert.That(host.Logs.Lines.Count(line => line.Event.Id == 3011), Is.EqualTo(2));
    }

    private sealed class UnreadContent : HttpContent
    {
        // A body of less than 1 KiB the client sends all the same.
        private const int Length = 10_000;

        public UnreadContent() => Headers.ContentType = new("application/json");

        public bool WasSent { get; private set; }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            WasSent = true;
            return stream.WriteAsync(new byte[Length]).AsTask();
        }

        protected override bool TryComputeLength(out long length)
        {
            length = Length;
            return true;
        }
    }
}
