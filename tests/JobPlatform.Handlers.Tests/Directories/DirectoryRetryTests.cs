using JobPlatform.Core.Directories;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Directories;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Directories;

/// <summary>Syncs on a real worker, whose attempts fail in their midst.</summary>
public sealed class DirectoryRetryTests
{
    [Test]
    public async Task A_further_attempt_goes_on_from_the_last_finished_page()
    {
        await using var stub = await ScimStub.StartAsync(users: 50);
        stub.Groups.Add(("g1", "staff", ["u1", "u50"]));
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database);
        await database.AddJobAsync("sync", DirectoryRuns.Handler, "retry_delays = '0'");
        var id = await DirectoryBench.AddAsync(platform.Services.GetRequiredService<DirectoryStore>(), DirectoryBench.Of(stub, pageSize: 10), ScimStub.Token);
        var failures = 0;
        stub.Answer = path => path.StartsWith("Users?startIndex=31&", StringComparison.Ordinal) && failures++ == 0 ? new { hello = "world" } : null;

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("sync", new { connection_id = id }), 60);

        Assert.That((run.Status, run.Attempt), Is.EqualTo((RunStatus.Success, 2)), $"{run.Error}");
        Assert.That(DirectoryBench.Counts(run.Output!.Value), Is.EqualTo("added=50 users_read=50 groups_read=1 groups_added=1 memberships_added=2"));
        Assert.That(stub.Requests.Where(request => request.Path.Contains("Users", StringComparison.Ordinal)).Select(request => request.Path.Split('=', '&')[1]),
            Is.EqualTo((string[])["1", "11", "21", "31", "31", "41"]));
    }

    [Test]
    public async Task A_slapd_that_restarts_in_mid_sync_costs_an_attempt_and_nothing_else()
    {
        await using var slapd = await SlapdProcess.StartAsync(LdapSyncTests.Entries(200));
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database);
        await database.AddJobAsync("sync", DirectoryRuns.Handler, "retry_delays = '0'");
        var id = await DirectoryBench.AddAsync(platform.Services.GetRequiredService<DirectoryStore>(), LdapSyncTests.Of(slapd) with { PageSize = 20 }, SlapdProcess.Password);
        // The third page is written when the lock is let go, and by then slapd is another one.
        await database.ExecuteAsync(
            """
            CREATE SEQUENCE pages;
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('pages') = 3 THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN NULL; END $$;
            CREATE TRIGGER hold AFTER INSERT ON jobplatform.directory_read_users FOR EACH STATEMENT EXECUTE FUNCTION hold();
            """);
        await using var holder = await database.OpenAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("SELECT pg_advisory_lock(7)", holder)) await hold.ExecuteNonQueryAsync();

        var run = await platform.EnqueueAsync("sync", new { connection_id = id });
        await WaitAsync(database, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())");
        await slapd.KillAsync();
        await slapd.StartAsync();
        await holder.CloseAsync();
        var ended = await platform.WaitForEndAsync(run, 60);

        Assert.That((ended.Status, ended.Attempt), Is.EqualTo((RunStatus.Success, 2)), $"{ended.Error}");
        Assert.That(DirectoryBench.Counts(ended.Output!.Value), Is.EqualTo("added=200 users_read=200"));
    }

    [Test]
    public async Task A_directory_that_stays_away_is_tried_again_after_30_60_and_120_seconds_and_then_the_run_has_failed()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database);
        await platform.Services.GetRequiredService<JobSeeder>().SeedAsync();
        await using var stub = await ScimStub.StartAsync();
        stub.Answer = _ => new { hello = "world" };
        var id = await DirectoryBench.AddAsync(platform.Services.GetRequiredService<DirectoryStore>(), DirectoryBench.Of(stub), ScimStub.Token);

        var run = await platform.EnqueueAsync(DirectoryRuns.Handler, new { connection_id = id });
        var waits = new List<double>();
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await WaitAsync(database, $"SELECT EXISTS (SELECT FROM jobplatform.job_runs WHERE status = 'retrying' AND attempt = {attempt})");
            waits.Add(await database.ScalarAsync<double>("SELECT extract(epoch FROM r.run_at - a.finished_at)::float8 FROM jobplatform.job_runs r JOIN jobplatform.job_attempts a ON a.run_id = r.id AND a.number = r.attempt"));
            await database.ExecuteAsync("UPDATE jobplatform.job_runs SET run_at = now(); NOTIFY jobplatform, 'runs'");
        }
        var ended = await platform.WaitForEndAsync(run, 60);

        Assert.That(waits, Is.EqualTo((double[])[30, 60, 120]).Within(1));
        Assert.That((ended.Status, ended.Attempt), Is.EqualTo((RunStatus.Failed, 4)));
        Assert.That(await database.ScalarAsync<string>("SELECT last_result ->> 'fault' FROM jobplatform.directory_connections"), Is.EqualTo("not_understood"));
    }

    [Test]
    public async Task Each_enabled_connection_that_is_due_gets_one_sync()
    {
        await using var stub = await ScimStub.StartAsync(users: 1);
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database);
        await platform.Services.GetRequiredService<JobSeeder>().SeedAsync();
        var store = platform.Services.GetRequiredService<DirectoryStore>();
        foreach (var name in new[] { "due", "again", "later", "disabled" })
            await DirectoryBench.AddAsync(store, DirectoryBench.Of(stub) with { Name = name, IntervalMinutes = 120, IsEnabled = name != "disabled" }, ScimStub.Token);
        await database.ExecuteAsync("UPDATE jobplatform.directory_connections SET last_started_at = now() - CASE name WHEN 'again' THEN interval '119 minutes' ELSE interval '100 minutes' END WHERE name <> 'due'");

        var first = await platform.WaitForEndAsync(await platform.EnqueueAsync("sync-all-directories"), 60);
        await WaitAsync(database, "SELECT count(*) = 2 FROM jobplatform.directory_connections WHERE last_success_at IS NOT NULL");
        var second = await platform.WaitForEndAsync(await platform.EnqueueAsync("sync-all-directories"), 60);

        Assert.That($"{first.Output} {second.Output}", Is.EqualTo("""{"running": 0, "enqueued": 2} {"running": 0, "enqueued": 0}"""));
        Assert.That(await database.ScalarAsync<string>("SELECT string_agg(name, ' ' ORDER BY name) FROM jobplatform.directory_connections WHERE last_success_at IS NOT NULL"), Is.EqualTo("again due"));
    }

    private static Task<TestPlatform> StartAsync(TestDatabase database) => TestPlatform.StartAsync(database.ConnectionString,
        handlers: typeof(SyncDirectory).Assembly, outgoingAllowed: "127.0.0.1 localhost",
        configure: services => services.AddSingleton<DirectoryStore>().AddSingleton<DirectoryReaders>().AddSingleton<JobSeeder>());

    private static async Task WaitAsync(TestDatabase database, string condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await database.ScalarAsync<bool>(condition)) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
    }
}
