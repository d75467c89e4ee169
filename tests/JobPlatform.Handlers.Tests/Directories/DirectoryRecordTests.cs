using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Tests.Directories;

/// <summary>What a connection tells of its last sync, and what a sync leaves aside.</summary>
public sealed class DirectoryRecordTests
{
    private const string Last = "SELECT concat_ws(' ', last_run_id, last_started_at, last_result) FROM jobplatform.directory_connections";

    [Test]
    public async Task While_a_sync_runs_the_last_ones_result_is_not_shown_and_when_it_is_stopped_that_is()
    {
        await using var stub = await ScimStub.StartAsync(users: 3);
        await using var bench = await DirectoryBench.CreateAsync(stub);
        await bench.SyncAsync();
        string? during = null;

        await bench.RunAsync(control => stub.Answer = _ =>
        {
            during = bench.Database.ScalarAsync<string?>("SELECT last_result::text FROM jobplatform.directory_connections").GetAwaiter().GetResult() ?? "none";
            control.Stop(StopReason.Canceled);
            return null;
        });

        Assert.That(during, Is.EqualTo("none"));
        Assert.That(await bench.LastErrorAsync(), Is.EqualTo("It was stopped before its end."));
    }

    [Test]
    public async Task What_no_one_foresaw_is_recorded_without_its_words()
    {
        await using var stub = await ScimStub.StartAsync(users: 3);
        await using var bench = await DirectoryBench.CreateAsync(stub);
        await bench.Database.ExecuteAsync("ALTER TABLE jobplatform.directory_users ADD CHECK (user_name <> 'user2')");

        await bench.RunAsync();

        Assert.That(await bench.LastErrorAsync(), Is.EqualTo("It broke off (PostgresException); its run says more."));
    }

    [Test]
    public async Task A_dry_run_leaves_no_trace()
    {
        await using var stub = await ScimStub.StartAsync(users: 3);
        stub.Groups.Add(("g1", "all", ["u1"]));
        await using var bench = await DirectoryBench.CreateAsync(stub);

        await bench.SyncAsync(""", "dry_run": true""");

        Assert.That(await bench.Database.ScalarAsync<string>(Last), Is.Empty);
        Assert.That(await CountAsideAsync(bench.Database), Is.Zero);
    }

    [Test]
    public async Task An_attempt_that_was_overtaken_writes_nothing_more()
    {
        await using var stub = await ScimStub.StartAsync(users: 20);
        await using var bench = await DirectoryBench.CreateAsync(stub);
        await bench.SyncAsync();
        var missed = stub.Users[7];
        stub.Users.Remove(missed);
        stub.Answer = path =>
        {
            if (path != $"Users/{missed.Id}") return null;
            bench.Database.ExecuteAsync("UPDATE jobplatform.directory_reads SET fence = fence + 1").GetAwaiter().GetResult();
            return new { id = missed.Id, userName = missed.UserName };
        };

        var ending = await bench.RunAsync();

        Assert.That(ending.ErrorMessage(), Does.Contain("Another attempt of this run reads the directory now."));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.directory_read_users"), Is.EqualTo(19));
        Assert.That(await bench.LastErrorAsync(), Is.Null);
    }

    [Test]
    public async Task What_a_run_has_left_aside_that_did_not_come_to_its_end_goes()
    {
        await using var bench = await HandlerBench.CreateAsync("sync-all-directories", withSample: false);
        await bench.Database.AddJobAsync("sync-directory", "sync-directory");
        await bench.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.directory_reads (connection_id, run_id, fence, version) VALUES (gen_random_uuid(), gen_random_uuid(), 1, 1);
            INSERT INTO jobplatform.directory_read_users (connection_id, external_id, reference, is_active) SELECT connection_id, 'a', 'a', true FROM jobplatform.directory_reads;
            INSERT INTO jobplatform.directory_read_groups (connection_id, external_id, reference, name) SELECT connection_id, 'a', 'a', 'a' FROM jobplatform.directory_reads;
            INSERT INTO jobplatform.directory_read_members (connection_id, group_id, reference) SELECT connection_id, 'a', 'a' FROM jobplatform.directory_reads;
            """);

        (await bench.RunAsync()).OutputJson();

        Assert.That(await CountAsideAsync(bench.Database), Is.Zero);
    }

    private static Task<int> CountAsideAsync(TestDatabase database) => database.ScalarAsync<int>(
        """
        SELECT (SELECT count(*) FROM jobplatform.directory_reads) + (SELECT count(*) FROM jobplatform.directory_read_users)
             + (SELECT count(*) FROM jobplatform.directory_read_groups) + (SELECT count(*) FROM jobplatform.directory_read_members)
        """);
}
