#if HANGFIRE_ENGINE
using Hangfire;
using Hangfire.States;
using Hangfire.Storage;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;
using JobPlatform.Engine.Hangfire;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Tests;

/// <summary>What is Hangfire's own: its states beside ours, its dashboard's commands, its recurring jobs.</summary>
public sealed class HangfireTests
{
    private const string Story =
        """
        SELECT concat_ws(' ', r.status, h.statename) FROM jobplatform.job_runs r JOIN jobplatform_hangfire.job h ON h.id = r.engine_ref::bigint WHERE r.id = @id
        """;

    [Test]
    public async Task Hangfire_and_job_runs_tell_the_same_story_of_every_ending()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("good", "nothing");
        await database.AddJobAsync("flaky", "ends", "retry_delays = '3600'", """config = '{"how": "fail", "text": "no luck"}'""");
        await database.AddJobAsync("hopeless", "ends", """config = '{"how": "fail_for_good"}'""");
        await database.AddJobAsync("careful", "ends", """config = '{"how": "safety_stop"}'""");
        await database.AddJobAsync("later", "ends", """config = '{"how": "snooze"}'""");
        await using var platform = await StartAsync(database);

        foreach (var (job, story) in new[]
                 {
                     ("good", "success Succeeded"), ("flaky", "retrying Scheduled"), ("hopeless", "failed Failed"),
                     ("careful", "skipped Deleted"), ("later", "queued Scheduled"),
                 })
        {
            var id = await platform.EnqueueAsync(job);
            await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<string>(Story, new { id }) == story);
        }
        Assert.That(await database.ScalarAsync<string>(
            """
            SELECT concat_ws(' ', abs(extract(epoch FROM r.run_at - (s.data ->> 'EnqueueAt')::timestamptz)) < 1, h.arguments ->> 0, h.arguments ->> 2)
              FROM jobplatform.job_runs r JOIN jobplatform_hangfire.job h ON h.id = r.engine_ref::bigint JOIN jobplatform_hangfire.state s ON s.id = h.stateid
             WHERE r.status = 'retrying'
            """), Is.EqualTo("t \"flaky\" \"manual\""));
    }

    [Test]
    public async Task Deleting_in_hangfires_dashboard_cancels_a_run_that_waits_and_one_that_runs()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("long", "probe", "overlap_policy = 'allow'");
        await using var platform = await StartAsync(database);
        var waiting = await platform.EnqueueAsync("long", runAt: TimeProvider.System.GetUtcNow().AddHours(1));
        var running = await platform.EnqueueAsync("long", new { milliseconds = 60_000 });
        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM probe") == 1);

        foreach (var id in new[] { waiting, running })
            Client(platform).Delete(await ReferenceAsync(database, id));

        foreach (var id in new[] { waiting, running })
            Assert.That((await platform.WaitForEndAsync(id)).Status, Is.EqualTo(RunStatus.Canceled));
    }

    [Test]
    public async Task Canceling_a_run_that_waits_deletes_its_job_of_hangfire()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("later", "nothing");
        await using var platform = await StartAsync(database);
        var id = await platform.EnqueueAsync("later", runAt: TimeProvider.System.GetUtcNow().AddHours(1));
        await ReferenceAsync(database, id);

        await platform.Runs.CancelAsync(id, Actor.Operator);

        Assert.That(await database.ScalarAsync<string>(Story, new { id }), Is.EqualTo("canceled Deleted"));
    }

    [Test]
    public async Task Requeueing_an_ended_run_in_hangfires_dashboard_makes_a_new_run_that_names_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("hopeless", "ends", """config = '{"how": "fail_for_good"}'""");
        await using var platform = await StartAsync(database);
        var old = await platform.WaitForEndAsync(await platform.EnqueueAsync("hopeless", new { text = "mine" }));
        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<string>(Story, new { old.Id }) == "failed Failed");

        Client(platform).Requeue(await ReferenceAsync(database, old.Id));

        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs WHERE finished_at IS NOT NULL") == 2);
        Assert.That(await database.ScalarAsync<string>(
            "SELECT concat_ws(' ', trigger, triggered_by, status, attempt, payload ->> 'text', retry_of) FROM jobplatform.job_runs WHERE id <> @Id", new { old.Id }),
            Is.EqualTo($"retry hangfire-dashboard failed 1 mine {old.Id}"));
        Assert.That((await platform.Runs.FindAsync(old.Id))!.FinishedAt, Is.EqualTo(old.FinishedAt), "the old one stays as it was");
    }

    [Test]
    public async Task Enqueueing_a_delayed_run_in_hangfires_dashboard_starts_it_now()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("later", "nothing");
        await using var platform = await StartAsync(database);
        var id = await platform.EnqueueAsync("later", runAt: TimeProvider.System.GetUtcNow().AddHours(1));

        Client(platform).Requeue(await ReferenceAsync(database, id));

        Assert.That((await platform.WaitForEndAsync(id)).Status, Is.EqualTo(RunStatus.Success));
    }

    [Test]
    public async Task Trigger_now_in_hangfires_dashboard_makes_a_run_on_demand_and_moves_no_due_time()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("nightly", "nothing", "cron_expression = '30 2 * * *'");
        await using var platform = await StartAsync(database);
        await RunTests.WaitUntilAsync(async () => (await NamesAsync(platform)).Count == 1);
        var due = await database.ScalarAsync<DateTime>("SELECT next_due_at FROM jobplatform.schedules");

        platform.Services.GetRequiredService<HangfireParts>().RecurringJobs.Trigger("jobplatform:nightly");

        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<string>(
            "SELECT concat_ws(' ', trigger, triggered_by, status) FROM jobplatform.job_runs") == "manual hangfire-dashboard success");
        Assert.That(await database.ScalarAsync<DateTime>("SELECT next_due_at FROM jobplatform.schedules"), Is.EqualTo(due));
    }

    [Test]
    public async Task A_due_time_is_run_by_the_job_that_hangfires_recurring_scheduler_made()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("tick", "nothing", "cron_expression = '*/2 * * * * *'");
        await using var platform = await StartAsync(database);

        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>(
            """
            SELECT count(*) FROM jobplatform.job_runs r
              JOIN jobplatform_hangfire.jobparameter p ON p.jobid = nullif(r.engine_ref, '')::bigint AND p.name = 'RecurringJobId' AND p.value = '"jobplatform:tick"'
             WHERE r.trigger = 'cron' AND r.status = 'success'
            """) >= 2);

        Assert.That(await database.ScalarAsync<string>("SELECT statename FROM jobplatform_hangfire.job WHERE id = (SELECT max(engine_ref::bigint) FROM jobplatform.job_runs WHERE status = 'success')"),
            Is.EqualTo("Succeeded").Or.EqualTo("Processing"));
    }

    [Test]
    public async Task A_schedule_that_follows_its_row_is_one_recurring_job_or_two_where_cron_means_either_day_field()
    {
        await using var database = await TestDatabase.CreateAsync();
        var id = await database.AddJobAsync("report", "nothing", "cron_expression = '0 8 13 * FRI'", "time_zone = 'Europe/Berlin'", "misfire_policy = 'skip'");
        await using var platform = await StartAsync(database, runsJobs: false);
        var sync = platform.Services.GetRequiredService<ScheduleSync>();

        await sync.ReconcileAsync();
        Assert.That(await EntriesAsync(platform), Is.EqualTo("jobplatform:report 0 8 13 * * Europe/Berlin 2; jobplatform:report (weekdays) 0 8 * * FRI Europe/Berlin 2"));
        await database.ExecuteAsync("UPDATE jobplatform.jobs SET name = 'daily', cron_expression = '0 8 * * *', misfire_policy = 'one'");
        await sync.ReconcileAsync();
        Assert.That(await EntriesAsync(platform), Is.EqualTo("jobplatform:daily 0 8 * * * Europe/Berlin 0"), "renamed, by the job's id");
        Assert.That((await sync.ReconcileAsync()).Scheduled, Is.Zero, "what is in force is left alone");
        platform.Services.GetRequiredService<HangfireParts>().RecurringJobs.RemoveIfExists("jobplatform:daily");
        Assert.That((await sync.ReconcileAsync()).Scheduled, Is.EqualTo(1), "what Hangfire has lost is set again");
        await database.ExecuteAsync("UPDATE jobplatform.jobs SET is_enabled = false");
        await sync.ReconcileAsync();
        Assert.That(await EntriesAsync(platform), Is.Empty);
        Assert.That(id, Is.GreaterThan(0));
    }

    [Test]
    public async Task Recurring_jobs_of_others_are_neither_listed_nor_purged_and_orphans_of_ours_are_both()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database, runsJobs: false);
        var manager = platform.Services.GetRequiredService<HangfireParts>().RecurringJobs;
        manager.AddOrUpdate("theirs", () => Console.WriteLine(), "0 * * * *");
        manager.AddOrUpdate("jobplatform:also-theirs", () => Console.WriteLine(), "0 * * * *");
        await platform.Engine.ScheduleAsync(new ScheduleDefinition(4711, "ghost", 1, "0 0 1 * *", "UTC", MisfirePolicy.One), CancellationToken.None);
        await database.ExecuteAsync("DELETE FROM jobplatform.schedules");

        Assert.That((await platform.Engine.ListSchedulesAsync(CancellationToken.None)).Single().JobName, Is.EqualTo("ghost"));
        var purged = (await ActivatorUtilities.CreateInstance<ScheduleControl>(platform.Services).PurgeOrphansAsync(Actor.Operator)).Purged;

        Assert.That(string.Join(' ', purged), Is.EqualTo("ghost"));
        Assert.That(await NamesAsync(platform), Is.EquivalentTo((string[])["theirs", "jobplatform:also-theirs"]));
    }

    [Test]
    public async Task Runs_whose_hand_over_was_cut_off_are_submitted_within_half_a_minute()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "nothing", "overlap_policy = 'allow'");
        await using var platform = await StartAsync(database);
        await platform.WaitForEndAsync(await platform.EnqueueAsync("greet"));

        // Committed and never told; its job of Hangfire made and lost; a due time whose process died before its job was made.
        await database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited, engine_ref)
            SELECT jobplatform.uuid_v7(), id, 1, 'api', now(), 'default', 5, false, reference
              FROM jobplatform.jobs, unnest(ARRAY[NULL, '999999', '']) AS reference
            """);

        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs WHERE status = 'success'") == 4, 30);
    }

    [Test]
    public async Task A_change_of_the_engine_in_either_direction_finishes_what_was_queued_and_keeps_every_due_time()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("tick", "nothing", "cron_expression = '* * * * * *'", "overlap_policy = 'allow'", "misfire_policy = 'all'");
        await database.AddJobAsync("load", "probe", "overlap_policy = 'allow'", "retry_delays = '1'");
        foreach (var engine in new[] { EngineKind.Embedded, EngineKind.Hangfire, EngineKind.Embedded, EngineKind.Hangfire })
        {
            await using var platform = await TestPlatform.StartAsync(database.ConnectionString, engine: engine,
                options: new EngineOptions { Concurrency = 6, Lease = TimeSpan.FromSeconds(3), Drain = TimeSpan.FromSeconds(1) });
            // More than it gets through, one that outlasts the drain (all four may meet in the last engine), one that waits for its next attempt.
            await database.ExecuteAsync("SELECT jobplatform.enqueue_job('load', '{\"milliseconds\": 50, \"fail_attempts\": 1}') FROM generate_series(1, 40)");
            await database.ExecuteAsync("SELECT jobplatform.enqueue_job('load', '{\"first_milliseconds\": 60000}')");
            var before = await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs WHERE trigger = 'cron' AND status = 'success'");
            await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>(
                "SELECT count(*) FROM jobplatform.job_runs WHERE trigger = 'cron' AND status = 'success'") > before + 2, 180);
        }
        await using (await StartAsync(database))
            await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>(
                "SELECT count(*) FROM jobplatform.job_runs WHERE trigger = 'sql' AND status <> 'success'") == 0, 120);

        Assert.That(await database.ScalarAsync<string>(
            """
            SELECT concat_ws(' ', bool_and(gap = interval '1 second'), count(*) - count(DISTINCT scheduled_for),
                             (SELECT count(*) FROM probe WHERE overlapped), (SELECT count(*) FROM jobplatform.job_runs WHERE trigger = 'sql'))
              FROM (SELECT *, scheduled_for - lag(scheduled_for) OVER (ORDER BY scheduled_for) AS gap FROM jobplatform.job_runs WHERE trigger = 'cron') r
            """), Is.EqualTo("t 0 0 164"));
    }

    [Test]
    public async Task A_run_that_is_due_by_a_clock_a_little_ahead_does_not_wait_for_hangfires_next_second()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("now", "nothing");
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, clock: new SlowClock(), engine: EngineKind.Hangfire);

        // By the database's clock.
        await database.ExecuteAsync("SELECT jobplatform.enqueue_job('now')");
        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs WHERE status = 'success'") == 1);

        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform_hangfire.state WHERE name = 'Scheduled'"), Is.Zero);
    }

    private sealed class SlowClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - TimeSpan.FromMilliseconds(80);
    }

    private static Task<TestPlatform> StartAsync(TestDatabase database, bool runsJobs = true) =>
        TestPlatform.StartAsync(database.ConnectionString, runsJobs: runsJobs, engine: EngineKind.Hangfire);

    // What Hangfire's dashboard uses.
    private static BackgroundJobClient Client(TestPlatform platform) => platform.Services.GetRequiredService<HangfireParts>().Client;

    private static async Task<string> ReferenceAsync(TestDatabase database, Guid id)
    {
        string? reference = null;
        await RunTests.WaitUntilAsync(async () =>
            (reference = await database.ScalarAsync<string>("SELECT engine_ref FROM jobplatform.job_runs WHERE id = @id", new { id })) is not null);
        return reference!;
    }

    private static Task<List<string>> NamesAsync(TestPlatform platform)
    {
        using var connection = platform.Services.GetRequiredService<HangfireParts>().Storage.GetConnection();
        return Task.FromResult(connection.GetAllItemsFromSet("recurring-jobs").ToList());
    }

    private static async Task<string> EntriesAsync(TestPlatform platform) => string.Join("; ",
        (await platform.Services.GetRequiredService<RecurringJobs>().ListAsync(CancellationToken.None)).OrderBy(entry => entry.Id, StringComparer.Ordinal)
        .Select(entry => $"{entry.Id} {entry.Ring.Cron} {entry.Ring.TimeZone} {entry.Misfire}"));
}
#endif
