using System.Net;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class RunTests
{
    [Test]
    public async Task A_run_shows_all_that_is_known_of_it()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy", "payload": {"message": "hi"}}""");
        await FinishAsync(host, id);

        var run = await (await host.Client.GetAsync($"/api/runs/{id}")).ReadAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(run.Names(), Is.EqualTo("id, job, status, skip_reason, trigger, triggered_by, attempt, run_at, scheduled_for, created_at, started_at, finished_at, duration_ms, payload, progress, output, error, worker, engine_url, retry_of"));
            Assert.That(run.GetProperty("id").GetGuid(), Is.EqualTo(id));
            Assert.That(run.GetProperty("job").GetString(), Is.EqualTo("tidy"));
            Assert.That(run.GetProperty("status").GetString(), Is.EqualTo("success"));
            Assert.That(run.GetProperty("trigger").GetString(), Is.EqualTo("api"));
            Assert.That(run.GetProperty("payload").GetProperty("message").GetString(), Is.EqualTo("hi"));
            Assert.That(run.GetProperty("output").GetProperty("deleted").GetInt32(), Is.EqualTo(3));
            Assert.That(run.GetProperty("duration_ms").GetInt64(), Is.EqualTo(12));
        }
    }

    [Test]
    public async Task An_output_nested_deeper_than_a_request_may_be_is_shown()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        await FinishAsync(host, id, new string('[', 60) + new string(']', 60));

        Assert.That((await host.Client.GetAsync($"/api/runs/{id}")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase("/api/runs/0198c5b8-0000-7000-8000-000000000000")]
    [TestCase("/api/runs/no-guid?wait=60s")]
    [TestCase("/api/runs/no-guid/logs")]
    [TestCase("/api/runs/0198c5b8-0000-7000-8000-000000000000/logs")]
    public async Task A_run_that_is_not_there_is_not_found(string address)
    {
        await using var host = await ApiHost.StartAsync();

        await (await host.Client.GetAsync(address)).ShouldBeProblemAsync(404, "run-not-found");
    }

    [TestCase("wait=61")]
    [TestCase("wait=61s")]
    [TestCase("wait=-1")]
    [TestCase("wait=1m")]
    [TestCase("wait=")]
    [TestCase("wait=1&wait=2")]
    [TestCase("wait=99999999999999999999")]
    public async Task A_wait_is_0_to_60_seconds(string query)
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.Client.GetAsync($"/api/runs/{Guid.Empty}?{query}")).ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo("wait"));
    }

    [TestCase("30s")]
    [TestCase("30")]
    public async Task A_waiting_caller_is_answered_when_the_run_ends(string wait)
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");

        var waiting = host.Client.GetAsync($"/api/runs/{id}?wait={wait}");
        await FinishAsync(host, id);

        var run = await (await waiting).ReadAsync();
        Assert.That(run.GetProperty("status").GetString(), Is.EqualTo("success"));
    }

    [Test]
    public async Task A_waiting_caller_is_answered_at_once_when_the_server_stops()
    {
        var clock = new StandingClock();
        await using var host = await ApiHost.StartAsync(clock);
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        var waiting = host.Client.GetAsync($"/api/runs/{id}?wait=60s");
        await clock.Waiting;

        var stop = host.StopAsync();

        var answer = await waiting;
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await answer.ReadAsync()).GetProperty("status").GetString(), Is.EqualTo("queued"));
        await stop;
    }

    [Test]
    public async Task A_waiting_caller_that_goes_away_frees_its_wait_at_once()
    {
        var clock = new StandingClock();
        await using var host = await ApiHost.StartAsync(clock);
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        using var client = new CancellationTokenSource();
        var waiting = host.Client.GetAsync($"/api/runs/{id}?wait=60s", client.Token);
        await clock.Waiting;

        await client.CancelAsync();

        // The clock stands still: only the caller's leaving can end the wait.
        await clock.NoLongerWaiting.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Log_lines_come_in_pages()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("tidy");
        var id = await host.EnqueueAsync("""{"job": "tidy"}""");
        Assert.That((await (await host.Client.GetAsync($"/api/runs/{id}/logs")).ReadAsync()).GetProperty("lines").GetArrayLength(), Is.Zero);
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_run_logs (run_id, attempt, at, level, message)
            SELECT @id, 1, now(), 'warning', 'line ' || n FROM generate_series(1, 3) AS n
            """, new { id });

        var first = (await (await host.Client.GetAsync($"/api/runs/{id}/logs?limit=2")).ReadAsync()).GetProperty("lines");
        var rest = (await (await host.Client.GetAsync($"/api/runs/{id}/logs?after={first[1].GetProperty("id")}")).ReadAsync()).GetProperty("lines");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(string.Join(", ", first.EnumerateArray().Select(line => line.GetProperty("message"))), Is.EqualTo("line 1, line 2"));
            Assert.That(string.Join(", ", rest.EnumerateArray().Select(line => line.GetProperty("message"))), Is.EqualTo("line 3"));
            Assert.That(rest[0].Names(), Is.EqualTo("id, attempt, at, level, message"));
        }
    }

    [Test]
    public async Task All_faults_of_a_page_of_lines_are_named_at_once()
    {
        await using var host = await ApiHost.StartAsync();

        var problem = await (await host.Client.GetAsync($"/api/runs/{Guid.Empty}/logs?after=-1&limit=1001")).ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo("after, limit"));
    }

    private static Task FinishAsync(ApiHost host, Guid id, string output = """{"deleted": 3}""") =>
        host.Database.ExecuteAsync(
            """
            UPDATE jobplatform.job_runs
               SET status = 'success', attempt = 1, fence = 1, worker = 'w', started_at = now(), finished_at = now(), duration_ms = 12, output = @output::jsonb
             WHERE id = @id
            """, new { id, output });

    /// <summary>A clock whose timers never fire; it tells when one is made and when it is given up.</summary>
    private sealed class StandingClock : TimeProvider
    {
        private readonly TaskCompletionSource _made = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _givenUp = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Waiting => _made.Task;

        public Task NoLongerWaiting => _givenUp.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > TimeSpan.Zero) _made.TrySetResult();
            return new Standing(_givenUp);
        }

        private sealed class Standing(TaskCompletionSource givenUp) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() => givenUp.TrySetResult();

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
