using Dapper;
using JobPlatform.Core.Runs;

namespace JobPlatform.Engine.Tests;

/// <summary>Real processes, really killed; a real server, really stopped.</summary>
public sealed class DisasterTests(EngineKind engine) : EngineTests(engine)
{
    // Every run has ended well, by exactly one attempt that was recorded, and no two attempts of one overlapped.
    private const string Verdict =
        """
        SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE status = 'success'),
                         (SELECT count(*) FROM probe WHERE overlapped), (SELECT count(DISTINCT run_id) FROM probe WHERE ended_at IS NOT NULL))
          FROM jobplatform.job_runs
        """;

    [Test]
    public async Task Of_two_workers_under_load_one_is_killed_ten_times_and_every_run_ends_once_and_none_is_lost()
    {
        const int kills = 10, runsAKill = 300;
        await using var database = await TestDatabase.CreateAsync();
        await PrepareAsync(database, runs: 0, milliseconds: 0);
        var steady = await StartWorkerAsync(database.ConnectionString, concurrency: 2);
        var victim = await StartWorkerAsync(database.ConnectionString, concurrency: 8);
        for (var kill = 0; kill < kills; kill++)
        {
            var begun = await CountBegunAsync(database);
            // Each time anew: while a process starts, the other one may have done all that there was.
            await EnqueueAsync(database, runsAKill, milliseconds: 20);
            await RunTests.WaitUntilAsync(async () => await CountBegunAsync(database) > begun + 50, 60);
            await victim.KillAsync();
            victim = await StartWorkerAsync(database.ConnectionString, concurrency: 8);
        }
        await WaitForAllAsync(database);
        await victim.DisposeAsync();
        await steady.DisposeAsync();

        Assert.That(await database.ScalarAsync<string>(Verdict), Is.EqualTo($"{kills * runsAKill} {kills * runsAKill} 0 {kills * runsAKill}"));
        Assert.That(await database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_attempts WHERE outcome = 'worker_lost'"), Is.GreaterThan(0),
            "the kills met runs at work");
    }

    [Test]
    public async Task A_worker_that_is_told_to_stop_drains_and_no_attempt_is_counted()
    {
        const int runs = 400;
        await using var database = await TestDatabase.CreateAsync();
        await PrepareAsync(database, runs, milliseconds: 20);
        // One run whose first attempt outlasts the drain: it is stopped and handed back.
        await database.ExecuteAsync("SELECT jobplatform.enqueue_job('load', '{\"first_milliseconds\": 60000}', now() - interval '1 day')");
        var first = await StartWorkerAsync(database.ConnectionString, concurrency: 8, drainSeconds: 1);
        await RunTests.WaitUntilAsync(async () => await CountBegunAsync(database) > 50);

        var exitCode = await first.TerminateAsync();

        Assert.That(exitCode, Is.Zero);
        Assert.That(await database.ScalarAsync<string>(
            "SELECT concat_ws(' ', count(*) FILTER (WHERE status = 'running'), max(attempt) FILTER (WHERE status = 'queued'), count(*) FILTER (WHERE status = 'queued' AND fence > 0) > 0) FROM jobplatform.job_runs"),
            Is.EqualTo("0 0 t"));
        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.workers"), Is.Zero);
        await using var second = await StartWorkerAsync(database.ConnectionString);
        await WaitForAllAsync(database);
        Assert.That(await database.ScalarAsync<string>("SELECT concat_ws(' ', count(*), max(attempt), count(*) FILTER (WHERE status = 'success')) FROM jobplatform.job_runs"),
            Is.EqualTo($"{runs + 1} 1 {runs + 1}"));
        await first.DisposeAsync();
    }

    [Test]
    public async Task A_worker_that_was_frozen_past_its_lease_stops_what_went_on_elsewhere()
    {
        await using var database = await TestDatabase.CreateAsync();
        await PrepareAsync(database, runs: 0, milliseconds: 0);
        await database.ExecuteAsync("SELECT jobplatform.enqueue_job('load', '{\"first_milliseconds\": 120000}')");
        await using var frozen = await StartWorkerAsync(database.ConnectionString);
        await RunTests.WaitUntilAsync(async () => await CountBegunAsync(database) == 1);

        await frozen.SignalAsync("STOP");
        await using var other = await StartWorkerAsync(database.ConnectionString);
        await WaitForAllAsync(database);
        await frozen.SignalAsync("CONT");

        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<bool>("SELECT ended_at IS NOT NULL FROM probe WHERE fence = 1"));
        Assert.That(await database.ScalarAsync<string>("SELECT concat_ws(' ', status, attempt, rescues) FROM jobplatform.job_runs"), Is.EqualTo("success 2 1"));
    }

    [Test]
    public async Task A_claim_whose_answer_was_lost_goes_back_to_the_queue()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "nothing");
        await using var platform = await StartAsync(database.ConnectionString, options: new() { Lease = TimeSpan.FromSeconds(3), WorkerName = "me" });
        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.workers") == 1);
        await database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited, status, started_at, worker, attempt, fence)
            SELECT jobplatform.uuid_v7(), id, 1, 'api', now(), 'default', 5, true, 'running', now(), 'me', 1, 1 FROM jobplatform.jobs
            """);

        await WaitForAllAsync(database);

        Assert.That(await database.ScalarAsync<string>("SELECT concat_ws(' ', status, attempt, rescues, fence) FROM jobplatform.job_runs"), Is.EqualTo("success 1 0 3"));
    }

    [Test]
    public async Task PostgreSQL_is_restarted_under_load_and_everything_goes_on_by_itself()
    {
        const int runs = 2000;
        await using var cluster = await PrivateCluster.StartAsync();
        await using (var platform = await StartOnAsync(cluster))
        {
            await using var connection = new Npgsql.NpgsqlConnection(cluster.ConnectionString + ";Pooling=false");
            await connection.OpenAsync();
            await connection.ExecuteAsync(ProbeHandler.Table);
            await connection.ExecuteAsync("INSERT INTO jobplatform.jobs (name, handler, overlap_policy, max_attempts, retry_delays) VALUES ('load', 'probe', 'allow', 20, '0')");
            await connection.ExecuteAsync("SELECT jobplatform.enqueue_job('load', '{\"milliseconds\": 5}') FROM generate_series(1, @runs)", new { runs });
            for (var restart = 0; restart < 3; restart++)
            {
                await RunTests.WaitUntilAsync(async () => await CountAsync(cluster, "status = 'success'") > restart * 400 + 100, 60);
                await cluster.RestartAsync();
            }
            await RunTests.WaitUntilAsync(async () => await CountAsync(cluster, "finished_at IS NULL") == 0, 90);
            Assert.That(await CountAsync(cluster, "status = 'success'"), Is.EqualTo(runs));
            // And what comes afterwards is served as before.
            var late = await platform.WaitForEndAsync(await platform.EnqueueAsync("load"));
            Assert.That(late.Status, Is.EqualTo(RunStatus.Success));
        }
        await using var check = new Npgsql.NpgsqlConnection(cluster.ConnectionString + ";Pooling=false");
        await check.OpenAsync();
        Assert.That(await check.ExecuteScalarAsync<long>("SELECT count(*) FROM probe WHERE overlapped"), Is.Zero);
    }

    private async Task<TestPlatform> StartOnAsync(PrivateCluster cluster)
    {
        await using (var source = Npgsql.NpgsqlDataSource.Create(cluster.ConnectionString + ";Pooling=false"))
            await Engines.MigrateAsync(source);
        return await StartAsync(cluster.ConnectionString);
    }

    private static async Task<long> CountAsync(PrivateCluster cluster, string condition)
    {
        try
        {
            await using var connection = new Npgsql.NpgsqlConnection(cluster.ConnectionString + ";Pooling=false");
            await connection.OpenAsync();
            return await connection.ExecuteScalarAsync<long>($"SELECT count(*) FROM jobplatform.job_runs WHERE {condition}");
        }
        catch (Npgsql.NpgsqlException)
        {
            return -1; // The server is just starting.
        }
    }

    private static async Task PrepareAsync(TestDatabase database, int runs, int milliseconds)
    {
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("load", "probe", "overlap_policy = 'allow'");
        await EnqueueAsync(database, runs, milliseconds);
    }

    private static Task EnqueueAsync(TestDatabase database, int runs, int milliseconds) => database.ExecuteAsync(
        "SELECT jobplatform.enqueue_job('load', jsonb_build_object('milliseconds', @milliseconds)) FROM generate_series(1, @runs)", new { runs, milliseconds });

    private static async Task<long> CountBegunAsync(TestDatabase database) => await database.ScalarAsync<long>("SELECT count(*) FROM probe");

    private static Task WaitForAllAsync(TestDatabase database) => RunTests.WaitUntilAsync(async () =>
        await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs WHERE finished_at IS NULL") == 0, 120);
}
