using System.Net;
using System.Net.Sockets;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class HealthTests
{
    [Test]
    public async Task Without_a_worker_it_is_ready_with_a_warning_as_what_is_enqueued_waits()
    {
        var clock = new FakeClock();
        await using var host = await ApiHost.StartAsync(clock);
        var before = await host.Anonymous.GetAsync("/health/ready");
        Assert.That(before.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await before.ReadAsync()).GetProperty("warnings")[0].GetString(), Does.Not.Contain("worker"), "the engine's own words are for the log");
        Assert.That(host.Logs.Lines.Select(line => line.Text), Has.Some.Contain("No worker is alive"));

        await host.Database.ExecuteAsync(
            "INSERT INTO jobplatform.workers (name, role, concurrency, version, lease_until) VALUES ('w', 'worker', 1, '1', now() + interval '1 hour')");
        await (await host.Anonymous.GetAsync("/health/ready")).ReadAsync();
        clock.Advance(TimeSpan.FromSeconds(1));

        Assert.That((await (await host.Anonymous.GetAsync("/health/ready")).ReadAsync()).Names(), Is.EqualTo("status"));
    }

    [Test]
    public async Task With_a_migration_pending_it_is_not_ready()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync("DELETE FROM jobplatform.migrations WHERE number = (SELECT max(number) FROM jobplatform.migrations)");

        await (await host.Anonymous.GetAsync("/health/ready")).ShouldBeProblemAsync(503, "not-ready");

        Assert.That(host.Logs.Lines.Select(line => line.Text), Has.Some.Contain("is not applied"));
    }

    [Test]
    public async Task Without_a_database_it_lives_and_is_not_ready()
    {
        await using var host = await ApiHost.StartAsync(platform: "Host=127.0.0.1;Port=1;Username=u;Password=hidden-in-tests;Database=nowhere");

        Assert.That((await host.Anonymous.GetAsync("/health/live")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        var answer = await host.Anonymous.GetAsync("/health/ready");

        var problem = await answer.ShouldBeProblemAsync(503, "not-ready");
        Assert.That(problem.GetRawText(), Does.Not.Contain("127.0.0.1").And.Not.Contain("hidden-in-tests").And.Not.Contain("nowhere"));
        Assert.That(answer.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public async Task A_database_that_never_answers_is_given_up_after_two_seconds()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var host = await ApiHost.StartAsync(
            platform: $"Host=127.0.0.1;Port={((IPEndPoint)silent.LocalEndpoint).Port};Username=u;Database=d;Timeout=60");

        var start = TimeProvider.System.GetTimestamp();
        await (await host.Anonymous.GetAsync("/health/ready")).ShouldBeProblemAsync(503, "not-ready");

        // The driver itself would wait for a minute.
        Assert.That(TimeProvider.System.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(50)));
    }

    [Test]
    public async Task A_worker_serves_health_and_nothing_else()
    {
        await using var host = await ApiHost.StartAsync(settings: "ROLE=worker");

        Assert.That((await host.Anonymous.GetAsync("/health/live")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        await (await host.Client.GetAsync("/api/handlers")).ShouldBeProblemAsync(404, "not-found");
        await (await host.Anonymous.GetAsync("/metrics")).ShouldBeProblemAsync(401, "unauthorized");
        await (await host.Anonymous.GetAsync("/health/ready")).ShouldBeProblemAsync(503, "not-ready");
    }

    [Test]
    public async Task Due_times_that_nobody_turns_into_runs_are_a_warning_and_a_worker_is_not_ready()
    {
        var clock = new FakeClock();
        await using var web = await ApiHost.StartAsync(clock);
        await using var worker = await ApiHost.StartAsync(clock, shared: web.Database, settings: "ROLE=worker");
        await web.Database.ExecuteAsync("INSERT INTO jobplatform.workers (name, role, concurrency, version, lease_until) VALUES ('w', 'worker', 1, '1', now() + interval '1 hour')");
        var job = await web.AddJobAsync("late");
        await web.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.schedules (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
            VALUES (@job, 'late', 1, '* * * * *', 'UTC', 'one', @due)
            """, new { job, due = clock.GetUtcNow() });

        Assert.That((await worker.Anonymous.GetAsync("/health/ready")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        clock.Advance(TimeSpan.FromSeconds(61));

        Assert.That((await (await web.Anonymous.GetAsync("/health/ready")).ReadAsync()).GetProperty("warnings").GetArrayLength(), Is.EqualTo(1));
        Assert.That(web.Logs.Lines.Select(line => line.Text), Has.Some.Contain("A due time of 61 s ago has not become a run"));
        await (await worker.Anonymous.GetAsync("/health/ready")).ShouldBeProblemAsync(503, "not-ready");
    }
}
