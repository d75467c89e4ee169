using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Security;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class RunEventsTests
{
    [Test]
    public async Task A_run_is_seen_as_it_happens_until_it_ends()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        await LogAsync(host, id, "one");
        using var watcher = await WatchAsync(host, id);
        using var other = await WatchAsync(host, id);

        Assert.That(await watcher.ReadAsync(), Does.Match("line .*\"one\""));
        Assert.That(await watcher.ReadAsync(), Does.Match("run .*\"queued\""));
        await LogAsync(host, id, "two");
        Assert.That(await watcher.ReadAsync("line"), Does.Contain("\"two\""));
        await EndAsync(host, id);

        foreach (var reader in new[] { watcher, other })
        {
            Assert.That(await reader.ReadAsync("end"), Does.Contain("\"success\""));
            Assert.That(await reader.ReadAsync(), Is.Null, "the stream goes on after the end");
        }
    }

    [Test]
    public async Task A_reader_that_comes_back_goes_on_after_its_last_line()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        foreach (var text in (string[])["one", "two", "three"]) await LogAsync(host, id, text);
        await EndAsync(host, id);
        var second = await host.Database.ScalarAsync<long>("SELECT id FROM jobplatform.job_run_logs WHERE message = 'two'");

        using var watcher = await WatchAsync(host, id, second);

        Assert.That(await watcher.ReadAsync(), Does.Match($"line .*\"three\""));
        Assert.That(await watcher.ReadAsync(), Does.StartWith("run "));
        Assert.That(await watcher.ReadAsync(), Does.StartWith("end "));
    }

    [Test]
    public async Task Watchers_have_a_bound_and_leave_their_places_free()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        var watchers = new List<Watcher>();
        for (var i = 0; i < 100; i++) watchers.Add(await WatchAsync(host, id));

        await (await host.Client.GetAsync($"/api/runs/{id}/events")).ShouldBeProblemAsync(503, "too-many-watchers");
        await EndAsync(host, id);
        foreach (var watcher in watchers)
        {
            Assert.That(await watcher.ReadAsync("end"), Is.Not.Null);
            Assert.That(await watcher.ReadAsync(), Is.Null);
            watcher.Dispose();
        }

        using var next = await WatchAsync(host, id);
        Assert.That(await next.ReadAsync("end"), Is.Not.Null);
    }

    [Test]
    public async Task The_stream_ends_when_the_server_stops()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        using var watcher = await WatchAsync(host, await host.EnqueueAsync("""{"job": "tidy"}"""));
        await watcher.ReadAsync();

        await host.StopAsync().WaitAsync(TimeSpan.FromSeconds(20));

        Assert.That(await watcher.ReadAsync("end"), Is.Null);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task The_stream_ends_when_its_caller_may_read_no_more(bool isSession)
    {
        var clock = Browser.CreateClock();
        await using var host = await ApiHost.StartAsync(clock);
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        using var browser = await Browser.SignInAsync(host);
        var clients = host.Services.GetRequiredService<ApiClients>();
        var key = await clients.AddAsync("watcher", [ClientScopes.RunsRead], null, Actor.CommandLine);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/runs/{id}/events");
        if (isSession) request.Headers.Add("Cookie", string.Join("; ", browser.Cookies.Select(cookie => $"{cookie.Name}={cookie.Value}")));
        else request.Headers.Authorization = Answers.Bearer(key!);
        using var answer = await host.Anonymous.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        await NextAsync(clock, reader, "event: run");
        await NextAsync(clock, reader, ": still here");
        var aliveAt = clock.GetUtcNow();

        if (isSession) await browser.PostAsync("/admin/sign-out");
        else await clients.DisableAsync("watcher", Actor.CommandLine);
        await NextAsync(clock, reader, null);

        Assert.That(clock.GetUtcNow() - aliveAt, Is.LessThan(TimeSpan.FromMinutes(5)), "else it would have ended by itself");
    }

    // Reads to that line, or to the end; turns the clock when nothing comes, as the heartbeat may not have begun to wait.
    private static async Task NextAsync(FakeClock clock, StreamReader reader, string? wanted)
    {
        for (var turns = 0; turns < 18;)
        {
            var line = reader.ReadLineAsync();
            while (await Task.WhenAny(line, Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System)) != line && turns++ < 18) clock.Advance(TimeSpan.FromSeconds(15));
            if (!line.IsCompleted) break;
            if (await line == wanted) return;
        }
        Assert.Fail($"The stream has no line '{wanted}'.");
    }

    [TestCase("0198c5b8-0000-7000-8000-000000000000", null, 404, "run-not-found")]
    [TestCase("x", null, 404, "run-not-found")]
    [TestCase("x", "half", 422, "invalid-request")]
    public async Task What_cannot_be_watched_is_refused(string id, string? last, int status, string problem)
    {
        await using var host = await ApiHost.StartAsync();
        var request = new HttpRequestMessage(HttpMethod.Get, $"/api/runs/{id}/events");
        if (last is not null) request.Headers.Add("Last-Event-ID", last);

        await (await host.Client.SendAsync(request)).ShouldBeProblemAsync(status, problem);
    }

    private static Task LogAsync(ApiHost host, Guid id, string text) => host.Database.ExecuteAsync(
        "INSERT INTO jobplatform.job_run_logs (run_id, attempt, at, level, message) VALUES (@id, 1, now(), 'information', @text)", new { id, text });

    private static Task EndAsync(ApiHost host, Guid id) => host.Database.ExecuteAsync(
        "UPDATE jobplatform.job_runs SET status = 'success', started_at = now(), finished_at = now(), attempt = 1, fence = 1, worker = 'w' WHERE id = @id", new { id });

    private static async Task<Watcher> WatchAsync(ApiHost host, Guid id, long? after = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/api/runs/{id}/events");
        if (after is not null) request.Headers.Add("Last-Event-ID", $"{after}");
        var answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
        return new(answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
    }

    private sealed class Watcher(HttpResponseMessage answer, StreamReader reader) : IDisposable
    {
        /// <summary>The next event as "NAME DATA", perhaps the next of that name; null when the stream has ended.</summary>
        public async Task<string?> ReadAsync(string? name = null)
        {
            string? current = null;
            while (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20)) is { } line)
            {
                if (line.StartsWith("event: ", StringComparison.Ordinal)) current = line["event: ".Length..];
                if (line.StartsWith("data: ", StringComparison.Ordinal) && (name is null || name == current)) return $"{current} {line["data: ".Length..]}";
            }
            return null;
        }

        public void Dispose()
        {
            reader.Dispose();
            answer.Dispose();
        }
    }
}
