using JobPlatform.Core.Schedules;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class ScheduleTests
{
    [Test]
    public async Task A_schedule_is_paused_resumed_and_taken_out_and_stays_so()
    {
        await using var host = await StartAsync();

        foreach (var (verb, state) in new[] { ("pause", "paused"), ("resume", "active"), ("unschedule", "unscheduled"), ("resume", "active") })
        {
            Assert.That((int)(await host.SendAsync("POST", $"/api/schedules/hourly/{verb}")).StatusCode, Is.EqualTo(204));
            await SyncAsync(host);
            var schedule = (await host.ListAsync("/api/schedules", 1)).Single(item => item.GetProperty("schedule").GetProperty("job_name").GetString() == "hourly");
            Assert.That(schedule.GetProperty("schedule").GetProperty("state").GetString(), Is.EqualTo(state), verb);
        }
        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(action, ' ' ORDER BY id) FROM jobplatform.admin_logs"),
            Is.EqualTo("schedule.paused schedule.resumed schedule.unscheduled schedule.resumed"));
    }

    [Test]
    public async Task A_pause_outlives_the_version_that_the_schedule_was_made_for()
    {
        await using var host = await StartAsync();
        // Active schedules do not follow changes that mean nothing to them: theirs is the first version.
        await host.Database.ExecuteAsync("UPDATE jobplatform.jobs SET description = 'changed'");
        await SyncAsync(host);

        await host.SendAsync("POST", "/api/schedules/hourly/pause");
        await SyncAsync(host);

        Assert.That(await host.Database.ScalarAsync<string>("SELECT state FROM jobplatform.schedules WHERE job_name = 'hourly'"), Is.EqualTo("paused"));
    }

    [TestCase("nowhere", "pause", 404, "job-not-found")]
    [TestCase("nowhere", "resume", 404, "job-not-found")]
    [TestCase("by-hand", "pause", 409, "not-scheduled")]
    [TestCase("by-hand", "unschedule", 409, "not-scheduled")]
    [TestCase("by-hand", "resume", 409, "not-scheduled")]
    [TestCase("off", "resume", 409, "not-scheduled")]
    public async Task What_has_no_schedule_says_so_and_leaves_no_trace(string job, string verb, int status, string problem)
    {
        await using var host = await StartAsync();

        await (await host.SendAsync("POST", $"/api/schedules/{job}/{verb}")).ShouldBeProblemAsync(status, problem);

        Assert.That(await host.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.admin_logs"), Is.Zero);
    }

    [Test]
    public async Task A_change_is_written_down_before_it_is_made_and_that_it_came_to_nothing_after()
    {
        await using var host = await StartAsync();
        await host.Database.ExecuteAsync("INSERT INTO jobplatform.jobs (name, handler, cron_expression) VALUES ('new', 'x', '@daily')");

        await (await host.SendAsync("POST", "/api/schedules/new/pause")).ShouldBeProblemAsync(409, "not-scheduled");
        await host.Database.ExecuteAsync("ALTER TABLE jobplatform.schedules RENAME TO away");
        await (await host.SendAsync("POST", "/api/schedules/hourly/unschedule")).ShouldBeProblemAsync(500, "internal-error");

        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', action, subject, details ->> 'outcome'), ', ' ORDER BY id) FROM jobplatform.admin_logs"),
            Is.EqualTo("schedule.paused new, schedule.paused new not_done, schedule.unscheduled hourly, schedule.unscheduled hourly not_done"));
    }

    [Test]
    public async Task Orphans_are_shown_and_purged_and_nothing_else()
    {
        await using var host = await StartAsync();
        await host.Database.ExecuteAsync("UPDATE jobplatform.schedules SET job_id = 4711, job_name = 'ghost' WHERE job_name = 'daily'");
        Assert.That((await host.ListAsync("/api/schedules", 1)).Where(item => item.GetProperty("is_orphan").GetBoolean()).Select(item => item.GetProperty("schedule").GetProperty("job_name").GetString()),
            Is.EqualTo((string[])["ghost"]));

        var purge = await (await host.SendAsync("POST", "/api/schedules/purge-orphans")).ReadAsync();

        Assert.That(purge.GetRawText(), Is.EqualTo("""{"purged":["ghost"],"failed":[]}"""));
        Assert.That(await host.Database.ScalarAsync<string>("SELECT string_agg(job_name, ' ') FROM jobplatform.schedules"), Is.EqualTo("hourly"));
    }

    [Test]
    public async Task A_schedule_shows_its_runs_of_the_last_day_and_how_many_of_them_were_good()
    {
        await using var host = await StartAsync();
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited, status, started_at, finished_at, error)
            SELECT CASE WHEN n > 8 THEN jobplatform.uuid_v7_floor(now() - interval '2 days') ELSE jobplatform.uuid_v7() END, j.id, 1, 'api', now(), 'default', 5, true,
                   CASE WHEN n % 4 = 0 THEN 'failed' ELSE 'success' END, now(), now(), CASE WHEN n % 4 = 0 THEN '{}'::jsonb END
              FROM jobplatform.jobs j, generate_series(1, 9) AS n WHERE j.name = 'hourly'
            """);

        var schedule = (await host.ListAsync("/api/schedules", 50)).Single(item => item.GetProperty("schedule").GetProperty("job_name").GetString() == "hourly");

        Assert.That(schedule.GetProperty("runs_last_day").GetInt32(), Is.EqualTo(8));
        Assert.That(schedule.GetProperty("success_rate_last_day").GetDouble(), Is.EqualTo(0.75));
    }

    [Test]
    public async Task An_expression_is_told_in_words_and_times()
    {
        await using var host = await ApiHost.StartAsync();

        var answer = await host.GetAsync("/api/cron/next?expression=30%202%20*%20*%20*&time_zone=Europe/Berlin&from=2026-03-28T12:00:00Z&count=2");

        Assert.That(answer.GetRawText(), Is.EqualTo(
            """{"expression":"30 2 * * *","time_zone":"Europe/Berlin","description":"at 02:30 every day","next":["2026-03-29T01:00:00Z","2026-03-30T00:30:00Z"]}"""));
        var problem = await (await host.Client.GetAsync("/api/cron/next?expression=61%20*%20*%20*%20*&time_zone=Mars")).ShouldBeProblemAsync(422, "invalid-request");
        Assert.That(problem.Fields(), Is.EqualTo("expression, time_zone"));
        await (await host.Client.GetAsync("/api/cron/next")).ShouldBeProblemAsync(422, "invalid-request");
    }

    private static Task<SyncResult> SyncAsync(ApiHost host) => new ScheduleSync(host.Services.GetRequiredService<Core.Jobs.JobStore>(),
        host.Services.GetRequiredService<Core.Engine.IJobEngine>(), NullLogger<ScheduleSync>.Instance).ReconcileAsync();

    private static async Task<ApiHost> StartAsync()
    {
        var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.jobs (name, handler, cron_expression, is_enabled)
            VALUES ('hourly', 'x', '@hourly', true), ('daily', 'x', '@daily', true), ('by-hand', 'x', NULL, true), ('off', 'x', '@daily', false)
            """);
        await SyncAsync(host);
        return host;
    }
}
