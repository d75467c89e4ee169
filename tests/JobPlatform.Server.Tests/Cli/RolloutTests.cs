using System.Collections.Concurrent;
using System.Text;

namespace JobPlatform.Server.Tests.Cli;

/// <summary>Real servers that are told to stop at work.</summary>
public sealed class RolloutTests
{
    // The servers seed jobs of their own, which may come due meanwhile.
    private const string OfLoad = "job_id = (SELECT id FROM jobplatform.jobs WHERE name = 'load')";

    [Test]
    public async Task SIGTERM_during_200_running_handlers_drains_loses_nothing_and_counts_no_attempt_and_another_node_goes_on()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        cli.Environment["ENGINE"] = "embedded";
        cli.Environment["WORKER_CONCURRENCY"] = "200";
        cli.Environment["DRAIN_SECONDS"] = "12";
        await cli.Database.AddJobAsync("load", "test-job", "overlap_policy = 'allow'");
        // 150 end within the drain, 50 outlast it when they are begun here, and 100 find no place.
        await cli.Database.ExecuteAsync(
            """
            SELECT jobplatform.enqueue_job('load', jsonb_build_object('seconds', CASE WHEN n % 4 = 0 THEN 600 ELSE 5 END), now() - interval '1 hour') FROM generate_series(1, 200) n;
            SELECT jobplatform.enqueue_job('load') FROM generate_series(1, 100);
            """);
        await using var first = await ServerNode.StartAsync(cli);
        await WaitUntilAsync(async () => await cli.Database.ScalarAsync<long>($"SELECT count(*) FROM jobplatform.job_runs WHERE started_at IS NOT NULL AND {OfLoad}") >= 200);
        await cli.Database.ExecuteAsync("UPDATE jobplatform.job_runs SET payload = '{}' WHERE payload->>'seconds' = '600'");

        Assert.That(await first.TerminateAsync(), Is.Zero);

        Assert.That(await cli.Database.ScalarAsync<string>(
            $"""
            SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE status = 'running'), count(*) FILTER (WHERE status = 'queued' AND attempt > 0), count(*) FILTER (WHERE status = 'queued' AND fence > 0) >= 50,
                             (SELECT count(*) FROM jobplatform.workers), (SELECT count(*) FROM jobplatform.job_attempts)) FROM jobplatform.job_runs WHERE {OfLoad}
            """), Is.EqualTo("300 0 0 t 0 0"), "all there, none running, no attempt counted, what outlasted the drain handed back");
        await using var second = await ServerNode.StartAsync(cli);
        await WaitUntilAsync(async () => await cli.Database.ScalarAsync<long>($"SELECT count(*) FROM jobplatform.job_runs WHERE finished_at IS NULL AND {OfLoad}") == 0);
        Assert.That(await cli.Database.ScalarAsync<string>($"SELECT string_agg(DISTINCT concat_ws(' ', status, attempt, rescues), ', ') FROM jobplatform.job_runs WHERE {OfLoad}"), Is.EqualTo("success 1 0"));
        Assert.That(await cli.Database.ScalarAsync<long>($"SELECT count(DISTINCT worker) FROM jobplatform.job_runs WHERE {OfLoad}"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_rolling_upgrade_of_two_nodes_under_load_with_a_migration_in_between_shows_no_client_an_error_and_loses_no_run()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        foreach (var limit in (string[])["CALLS_PER_MINUTE", "TRIGGERS_PER_MINUTE"]) cli.Environment[limit] = "1000000";
        await cli.Database.AddJobAsync("load", "test-job", "overlap_policy = 'allow'");
        var nodes = new List<ServerNode> { await ServerNode.StartAsync(cli), await ServerNode.StartAsync(cli) };
        try
        {
            var load = new Load([.. nodes]);
            await load.AcceptMoreAsync(40);
            // What a newer version would have added, known to none of the nodes.
            await cli.Database.ExecuteAsync(
                """
                ALTER TABLE jobplatform.job_runs ADD COLUMN of_the_next_version text DEFAULT 'new';
                ALTER TABLE jobplatform.jobs ADD COLUMN of_the_next_version integer NOT NULL DEFAULT 1;
                ALTER TABLE jobplatform.pending_emails ADD COLUMN of_the_next_version text;
                INSERT INTO jobplatform.migrations (number, name, checksum) VALUES (9999, '9999_of_the_next_version', '-');
                """);
            await load.AcceptMoreAsync(40);
            for (var i = 0; i < 2; i++)
            {
                // As a balancer that a node leaves before it stops.
                load.Nodes = [nodes[1 - i]];
                await load.AcceptMoreAsync(20);
                Assert.That(await nodes[i].TerminateAsync(), Is.Zero);
                await nodes[i].DisposeAsync();
                nodes[i] = await ServerNode.StartAsync(cli);
                load.Nodes = [.. nodes];
                await load.AcceptMoreAsync(40);
            }
            await load.StopAsync();

            Assert.That(load.Faults, Is.Empty);
            await WaitUntilAsync(async () => await cli.Database.ScalarAsync<long>($"SELECT count(*) FROM jobplatform.job_runs WHERE finished_at IS NULL AND {OfLoad}") == 0);
            Assert.That(await cli.Database.ScalarAsync<string>($"SELECT count(*) || ' ' || string_agg(DISTINCT concat_ws(' ', status, attempt, rescues), ', ') FROM jobplatform.job_runs WHERE {OfLoad}"),
                Is.EqualTo($"{load.Accepted} success 1 0"));
        }
        finally
        {
            foreach (var node in nodes) await node.DisposeAsync();
        }
    }

    private static async Task WaitUntilAsync(Func<Task<bool>> isSo)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            if (TimeProvider.System.GetElapsedTime(start) > TimeSpan.FromMinutes(2)) throw new TimeoutException("It is not so after 2 minutes.");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Four clients that enqueue a run every some milliseconds, each call at the next node.</summary>
    private sealed class Load
    {
        private readonly Task _clients;
        private volatile bool _isOver;
        private int _accepted;

        public Load(ServerNode[] nodes)
        {
            Nodes = nodes;
            _clients = Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Run(() => CallAsync(number))));
        }

        /// <summary>The nodes that are called.</summary>
        public volatile ServerNode[] Nodes;

        public ConcurrentQueue<string> Faults { get; } = new();

        public int Accepted => Volatile.Read(ref _accepted);

        public Task AcceptMoreAsync(int runs)
        {
            var until = Accepted + runs;
            return WaitUntilAsync(() => Task.FromResult(Accepted >= until || !Faults.IsEmpty));
        }

        public async Task StopAsync()
        {
            _isOver = true;
            await _clients;
        }

        private async Task CallAsync(int number)
        {
            while (!_isOver)
            {
                var nodes = Nodes;
                try
                {
                    using var answer = await nodes[number++ % nodes.Length].Http.PostAsync(new Uri("/api/jobs/run", UriKind.Relative), new StringContent("""{"job": "load"}""", Encoding.UTF8, "application/json"));
                    if (answer.IsSuccessStatusCode) Interlocked.Increment(ref _accepted);
                    else Faults.Enqueue($"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
                }
                catch (HttpRequestException e)
                {
                    Faults.Enqueue(e.Message);
                }
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);
            }
        }
    }
}
