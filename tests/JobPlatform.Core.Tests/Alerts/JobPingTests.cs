using JobPlatform.Core.Alerts;
using JobPlatform.Core.Database;
using JobPlatform.Core.Outgoing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Core.Tests.Alerts;

public sealed class JobPingTests
{
    [Test]
    public async Task Start_success_and_failure_are_told_in_their_order_with_the_run_and_the_exit_text()
    {
        await using var receiver = await HttpReceiver.StartAsync();
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("watched", "probe", $"ping_url = 'http://127.0.0.1:{receiver.Port}/ping/secret?team=7'", "max_attempts = 2", "retry_delays = '0'");
        await database.AddJobAsync("unwatched", "probe");
        Guid good, bad;
        await using (var platform = await TestPlatform.StartAsync(database.ConnectionString, outgoingAllowed: "127.0.0.1"))
        {
            await platform.WaitForEndAsync(await platform.EnqueueAsync("unwatched"));
            await platform.WaitForEndAsync(good = await platform.EnqueueAsync("watched"));
            await platform.WaitForEndAsync(bad = await platform.EnqueueAsync("watched", new { fail_attempts = 9 }));
        }

        // The process told of its last run before it ended.
        Assert.That(receiver.Requests.Select(request => $"{request.Method} {request.Path}"), Is.EqualTo((string[])
        [
            $"POST /ping/secret/start?team=7&rid={good}", $"POST /ping/secret?team=7&rid={good}",
            $"POST /ping/secret/start?team=7&rid={bad}", $"POST /ping/secret/log?team=7&rid={bad}",
            $"POST /ping/secret/start?team=7&rid={bad}", $"POST /ping/secret/fail?team=7&rid={bad}",
        ]));
        var error = await database.ScalarAsync<string>("SELECT error->>'message' FROM jobplatform.job_runs WHERE id = @bad", new { bad });
        Assert.That(receiver.Requests[^1].Body, Is.EqualTo(error).And.Not.Empty);
    }

    [Test]
    public async Task A_ping_to_the_inside_is_refused_and_one_that_is_not_taken_harms_no_run()
    {
        await using var receiver = await HttpReceiver.StartAsync(http =>
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("watched", "probe", $"ping_url = 'http://127.0.0.1:{receiver.Port}/'");
        await using (var closed = await TestPlatform.StartAsync(database.ConnectionString))
            await closed.WaitForEndAsync(await closed.EnqueueAsync("watched"));
        Assert.That(receiver.Requests, Is.Empty);

        await using (var open = await TestPlatform.StartAsync(database.ConnectionString, outgoingAllowed: "127.0.0.1"))
            await open.WaitForEndAsync(await open.EnqueueAsync("watched"));

        Assert.That(receiver.Requests, Has.Count.EqualTo(2));
        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs WHERE status = 'success'"), Is.EqualTo(2));
    }

    [Test]
    public async Task The_heartbeat_tells_that_the_platform_lives_and_what_keeps_it_from_working()
    {
        await using var receiver = await HttpReceiver.StartAsync();
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false);
        using var heart = Heart(platform, receiver, platform.Services.GetRequiredService<PlatformDatabase>());
        await heart.BeatAsync(CancellationToken.None);
        await database.ExecuteAsync("INSERT INTO jobplatform.workers (name, role, concurrency, version, lease_until) VALUES ('w', 'worker', 1, '1', now() + interval '1 hour')");
        await heart.BeatAsync(CancellationToken.None);
        await database.ExecuteAsync("INSERT INTO jobplatform.alerts (key, kind, title, message, opened_at) VALUES ('mail_stuck:outbox', 'mail_stuck', 't', 'Mail waits.', now())");
        await heart.BeatAsync(CancellationToken.None);
        await using var nowhere = new PlatformDatabase("Host=127.0.0.1;Port=1;Username=u;Database=d");
        using var cut = Heart(platform, receiver, nowhere);
        await cut.BeatAsync(CancellationToken.None);

        Assert.That(receiver.Requests.Select(request => $"{request.Path} {request.Body.Split('.')[0]}"), Is.EqualTo((string[])
            ["/beat/fail No worker is alive: nothing runs", "/beat ", "/beat/fail Mail waits", "/beat/fail The platform's database does not answer"]));
    }

    private static Heartbeat Heart(TestPlatform platform, HttpReceiver receiver, PlatformDatabase database) => new(new Uri($"http://127.0.0.1:{receiver.Port}/beat"), database,
        platform.Engine, platform.Services.GetRequiredService<OutgoingHttp>(), TimeProvider.System, NullLogger<Heartbeat>.Instance);
}
