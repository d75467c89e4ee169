using JobPlatform.Core.Engine;
using JobPlatform.Core.Schedules;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Tests;

public sealed class ScheduleTests(EngineKind engine) : EngineTests(engine)
{
    [Test]
    public async Task Three_schedulers_and_one_second_cron_make_exactly_one_run_of_every_due_time_of_a_minute()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("tick", "nothing", "cron_expression = '* * * * * *'", "overlap_policy = 'allow'");
        await using var first = await StartAsync(database.ConnectionString);
        await using var second = await StartAsync(database.ConnectionString);
        await using var third = await StartAsync(database.ConnectionString);

        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<bool>(
            "SELECT max(scheduled_for) - min(scheduled_for) >= interval '60 seconds' FROM jobplatform.job_runs WHERE status = 'success'"), 120);

        Assert.That(await database.ScalarAsync<string>(
            """
            SELECT concat_ws(' ', bool_and(gap = interval '1 second'), count(*) - count(DISTINCT scheduled_for),
                             count(*) FILTER (WHERE status NOT IN ('success', 'running', 'queued')))
              FROM (SELECT *, scheduled_for - lag(scheduled_for) OVER (ORDER BY scheduled_for) AS gap FROM jobplatform.job_runs) r
            """), Is.EqualTo("t 0 0"));
    }

    // Alone, as a second is short on a machine that runs other tests.
    [Test, NonParallelizable]
    public async Task A_schedule_follows_its_row_within_a_second_when_somebody_edits_it_by_sql()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database.ConnectionString);
        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN jobplatform')"));
        Task Follows(string condition) => RunTests.WaitUntilAsync(async () =>
            await database.ScalarAsync<bool>($"SELECT {condition}"), seconds: 1);

        var id = await database.AddJobAsync("nightly", "nothing", "cron_expression = '30 2 * * *'");
        await Follows("EXISTS (SELECT FROM jobplatform.schedules WHERE cron_expression = '30 2 * * *')");
        await database.ExecuteAsync("UPDATE jobplatform.jobs SET cron_expression = '0 5 * * *', time_zone = 'Europe/Berlin'");
        await Follows("EXISTS (SELECT FROM jobplatform.schedules WHERE cron_expression = '0 5 * * *' AND extract(hour FROM next_due_at AT TIME ZONE 'Europe/Berlin') = 5)");
        await database.ExecuteAsync("UPDATE jobplatform.jobs SET is_enabled = false");
        await Follows("NOT EXISTS (SELECT FROM jobplatform.schedules)");
        await database.ExecuteAsync("UPDATE jobplatform.jobs SET is_enabled = true, cron_expression = '* * * * * *'");
        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM jobplatform.job_runs WHERE job_id = @id AND status = 'success')", new { id }), 5);
    }

    [Test]
    public async Task Without_notifications_a_schedule_still_follows_its_row_within_a_few_polls()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database.ConnectionString,
            options: new() { Listen = false, PollInterval = TimeSpan.FromMilliseconds(300) });

        await database.AddJobAsync("tick", "nothing", "cron_expression = '* * * * * *'");

        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<bool>(
            "SELECT EXISTS (SELECT FROM jobplatform.job_runs WHERE status = 'success')"), 10);
    }

    [Test]
    public async Task After_a_long_outage_one_run_stands_for_all_and_one_skipped_row_counts_the_rest()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("hourly", "nothing", "cron_expression = '0 * * * *'");
        await using (var platform = await StartAsync(database.ConnectionString))
            await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.schedules") == 1);
        await database.ExecuteAsync("UPDATE jobplatform.schedules SET next_due_at = date_trunc('hour', now()) - interval '9 hours'");

        await using var back = await StartAsync(database.ConnectionString);
        await RunTests.WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs WHERE finished_at IS NOT NULL") == 2);

        Assert.That(await database.ScalarAsync<string>(
            """
            SELECT string_agg(concat_ws(' ', status, skip_reason, output ->> 'due_times', (scheduled_for = date_trunc('hour', now()))::text), '; ' ORDER BY status DESC)
              FROM jobplatform.job_runs
            """), Is.EqualTo("success true; skipped misfire 9 false"));
    }

    [Test]
    public async Task A_job_with_an_unreadable_schedule_is_reported_and_keeps_no_other_from_its_own()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("broken", "nothing", "cron_expression = '75 * * * *'");
        await database.AddJobAsync("lost", "nothing", "cron_expression = '0 * * * *'", "time_zone = 'Europe/Berlinn'");
        await database.AddJobAsync("fine", "nothing", "cron_expression = '0 * * * *'");
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);
        var sync = platform.Services.GetRequiredService<ScheduleSync>();

        var result = await sync.ReconcileAsync();

        Assert.That(result.Scheduled, Is.EqualTo(1));
        Assert.That(result.Faults, Has.Count.EqualTo(2));
        Assert.That(result.Faults[0], Does.Contain("'broken'").And.Contain("75"));
        Assert.That(result.Faults[1], Does.Contain("'lost'").And.Contain("Europe/Berlin"));
    }

    [Test]
    public async Task An_operators_pause_stays_until_the_jobs_row_changes()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("hourly", "nothing", "cron_expression = '0 * * * *'");
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);
        var sync = platform.Services.GetRequiredService<ScheduleSync>();
        await sync.ReconcileAsync();
        await database.ExecuteAsync("UPDATE jobplatform.schedules SET state = 'paused'");

        await sync.ReconcileAsync();
        Assert.That(await database.ScalarAsync<string>("SELECT state FROM jobplatform.schedules"), Is.EqualTo("paused"));
        await database.ExecuteAsync("UPDATE jobplatform.jobs SET description = 'changed'");
        await sync.ReconcileAsync();
        Assert.That(await database.ScalarAsync<string>("SELECT state FROM jobplatform.schedules"), Is.EqualTo("active"));
    }

    [Test]
    public async Task A_single_schedule_is_found_as_the_list_has_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);
        foreach (var (job, name, cron) in new[] { (4711, "ghost", "0 5 1 * *"), (4712, "spectre", "0 5 L * *") })
            await platform.Engine.ScheduleAsync(new ScheduleDefinition(job, name, 1, cron, "Europe/Berlin", MisfirePolicy.One), CancellationToken.None);
        await platform.Engine.StopScheduleAsync(4712, 1, ScheduleState.Paused, CancellationToken.None);

        var listed = await platform.Engine.ListSchedulesAsync(CancellationToken.None);

        Assert.That(listed.Select(schedule => (schedule.State, schedule.NextDueAt is not null)), Is.EquivalentTo([(ScheduleState.Active, true), (ScheduleState.Paused, true)]));
        foreach (var schedule in listed) Assert.That(await platform.Engine.FindScheduleAsync(schedule.JobId, CancellationToken.None), Is.EqualTo(schedule));
        Assert.That(await platform.Engine.FindScheduleAsync(4713, CancellationToken.None), Is.Null);
    }

    [Test]
    public async Task An_orphan_fires_nothing_and_a_purge_removes_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);
        await platform.Engine.ScheduleAsync(new ScheduleDefinition(4711, "ghost", 1, "* * * * * *", "UTC", MisfirePolicy.One), CancellationToken.None);

        var purged = (await platform.Services.GetRequiredService<ScheduleControl>().PurgeOrphansAsync(new("test"))).Purged;

        Assert.That(string.Join(' ', purged), Is.EqualTo("ghost"));
        Assert.That(await platform.Engine.ListSchedulesAsync(CancellationToken.None), Is.Empty);
    }
}
