using JobPlatform.Core.Runs;

namespace JobPlatform.Engine.Tests;

public sealed class OverlapTests(EngineKind engine) : EngineTests(engine)
{
    [Test]
    public async Task Under_skip_a_run_that_comes_up_while_the_job_runs_is_skipped_and_says_why()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("report", "probe", "overlap_policy = 'skip'");
        await using var platform = await StartAsync(database.ConnectionString);
        var first = await platform.EnqueueAsync("report", new { milliseconds = 1000 });
        await RunTests.WaitForAsync(platform, first, RunStatus.Running);

        var second = await platform.WaitForEndAsync(await platform.EnqueueAsync("report"));

        Assert.That((second.Status, second.SkipReason, second.Attempt), Is.EqualTo((RunStatus.Skipped, "overlap", 0)));
        Assert.That((await platform.WaitForEndAsync(first)).Status, Is.EqualTo(RunStatus.Success));
        Assert.That((await platform.WaitForEndAsync(await platform.EnqueueAsync("report"))).Status, Is.EqualTo(RunStatus.Success));
    }

    [TestCase(1)]
    [TestCase(3)]
    public async Task Under_queue_no_more_than_max_concurrency_run_at_once_on_all_nodes_and_all_run(int most)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("import", "probe", "overlap_policy = 'queue'", $"max_concurrency = {most}");
        await using var first = await StartAsync(database.ConnectionString);
        await using var second = await StartAsync(database.ConnectionString);

        var ids = new List<Guid>();
        for (var i = 0; i < 30; i++) ids.Add(await (i % 2 == 0 ? first : second).EnqueueAsync("import", new { milliseconds = 20 }));
        foreach (var id in ids) Assert.That((await first.WaitForEndAsync(id, 60)).Status, Is.EqualTo(RunStatus.Success));

        Assert.That(await database.ScalarAsync<int>(
            """
            SELECT max(at_once) FROM (
                SELECT (SELECT count(*) FROM probe o WHERE o.began_at <= p.began_at AND o.ended_at > p.began_at) AS at_once FROM probe p) t
            """), Is.EqualTo(most).Or.LessThan(most));
    }

    [Test]
    public async Task A_backlog_of_a_limited_job_lets_a_more_urgent_job_pass()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("bulk", "probe", "overlap_policy = 'queue'", "max_concurrency = 10000", "priority = 9");
        await database.AddJobAsync("urgent", "probe", "overlap_policy = 'allow'", "priority = 1");
        await database.ExecuteAsync("SELECT jobplatform.enqueue_job('bulk') FROM generate_series(1, 50)");
        await database.ExecuteAsync("SELECT jobplatform.enqueue_job('urgent') FROM generate_series(1, 5)");
        await using var platform = await StartAsync(database.ConnectionString, options: new() { Concurrency = 1 });

        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM probe") == 55, 60);

        Assert.That(await database.ScalarAsync<string>("SELECT string_agg(job, ' ' ORDER BY began_at) FROM (SELECT * FROM probe ORDER BY began_at LIMIT 5) p"),
            Is.EqualTo("urgent urgent urgent urgent urgent"));
    }

    [Test]
    public async Task Under_allow_runs_of_a_job_run_side_by_side()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("call", "probe", "overlap_policy = 'allow'");
        await using var platform = await StartAsync(database.ConnectionString);

        var ids = new List<Guid>();
        for (var i = 0; i < 4; i++) ids.Add(await platform.EnqueueAsync("call", new { milliseconds = 1000 }));
        foreach (var id in ids) await platform.WaitForEndAsync(id);

        Assert.That(await database.ScalarAsync<bool>("SELECT max(began_at) < min(ended_at) FROM probe"), Is.True);
    }

    [Test]
    public async Task A_job_with_many_waiting_runs_keeps_no_other_job_waiting()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("slow", "probe", "overlap_policy = 'queue'");
        await database.AddJobAsync("quick", "nothing", "overlap_policy = 'queue'");
        await using var platform = await StartAsync(database.ConnectionString, options: new() { Concurrency = 2 });
        for (var i = 0; i < 20; i++) await platform.EnqueueAsync("slow", new { milliseconds = 60_000 });

        var quick = await platform.WaitForEndAsync(await platform.EnqueueAsync("quick"));

        Assert.That(quick.Status, Is.EqualTo(RunStatus.Success));
    }
}
