using JobPlatform.Core.Administration;
using JobPlatform.Core.Runs;

namespace JobPlatform.Engine.Tests;

public sealed class RunTests(EngineKind engine) : EngineTests(engine)
{
    [Test]
    public async Task A_run_ends_with_its_output_and_its_job_counts_it()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "ends", """config = '{"text": "hi"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("greet"));

        Assert.Multiple(() =>
        {
            Assert.That(run.Status, Is.EqualTo(RunStatus.Success));
            Assert.That(run.Output?.GetProperty("text").GetString(), Is.EqualTo("hi"));
            Assert.That(run.Attempt, Is.EqualTo(1));
            Assert.That(run.FinishedAt, Is.GreaterThanOrEqualTo(run.StartedAt!.Value));
        });
        Assert.That(await database.ScalarAsync<string>(
            "SELECT concat_ws(' ', success_count, failed_count, last_status, last_run_id) FROM jobplatform.job_statistics"),
            Is.EqualTo($"1 0 success {run.Id}"));
        Assert.That(await database.ScalarAsync<int>("SELECT version FROM jobplatform.jobs"), Is.EqualTo(2), "statistics raise no version");
    }

    [Test]
    public async Task A_payload_overrides_single_keys_of_the_config_for_its_run_only()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "ends", """config = '{"text": "hi", "how": "success"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var first = await platform.WaitForEndAsync(await platform.EnqueueAsync("greet", new { text = "hello" }));
        var second = await platform.WaitForEndAsync(await platform.EnqueueAsync("greet"));

        Assert.That(first.Output?.GetProperty("text").GetString(), Is.EqualTo("hello"));
        Assert.That(second.Output?.GetProperty("text").GetString(), Is.EqualTo("hi"));
    }

    [Test]
    public async Task A_failing_run_is_tried_again_by_its_jobs_list_of_delays_and_each_failed_attempt_is_kept()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("flaky", "probe", "retry_delays = '0,0'", "max_attempts = 3");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("flaky", new { fail_attempts = 2 }));

        Assert.That((run.Status, run.Attempt), Is.EqualTo((RunStatus.Success, 3)));
        Assert.That(await database.ScalarAsync<string>(
            "SELECT string_agg(number || ' ' || outcome || ' ' || (error ->> 'message'), '; ' ORDER BY number) FROM jobplatform.job_attempts"),
            Is.EqualTo("1 failed attempt 1 fails; 2 failed attempt 2 fails"));
    }

    [Test]
    public async Task The_next_attempts_time_is_on_the_row()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("flaky", "ends", "retry_delays = '3600'", """config = '{"how": "fail", "text": "no luck"}'""");
        await using var platform = await StartAsync(database.ConnectionString);
        var id = await platform.EnqueueAsync("flaky");

        var run = await WaitForAsync(platform, id, RunStatus.Retrying);

        Assert.That(run.RunAt - run.CreatedAt, Is.EqualTo(TimeSpan.FromHours(1)).Within(TimeSpan.FromSeconds(5)));
        Assert.That(run.Error?.GetProperty("message").GetString(), Is.EqualTo("no luck"));
    }

    [Test]
    public async Task After_the_last_attempt_a_run_has_failed_with_type_message_and_attempt()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("broken", "ends", "retry_delays = '0'", "max_attempts = 2", """config = '{"how": "throw", "text": "boom"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("broken"));

        Assert.Multiple(() =>
        {
            Assert.That(run.Status, Is.EqualTo(RunStatus.Failed));
            Assert.That(run.Error?.GetProperty("type").GetString(), Is.EqualTo("System.InvalidOperationException"));
            Assert.That(run.Error?.GetProperty("message").GetString(), Is.EqualTo("boom"));
            Assert.That(run.Error?.GetProperty("attempt").GetInt32(), Is.EqualTo(2));
            Assert.That(run.Error?.GetProperty("stack").GetString(), Does.Contain("EndsHandler"));
        });
    }

    [Test]
    public async Task A_failure_for_good_is_not_tried_again()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("hopeless", "ends", "retry_delays = '0'", """config = '{"how": "fail_for_good"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("hopeless"));

        Assert.That((run.Status, run.Attempt), Is.EqualTo((RunStatus.Failed, 1)));
    }

    [Test]
    public async Task A_snoozed_run_waits_until_its_time_and_no_attempt_is_counted()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("later", "ends", """config = '{"how": "snooze"}'""");
        await using var platform = await StartAsync(database.ConnectionString);
        var id = await platform.EnqueueAsync("later");

        await WaitUntilAsync(async () => await database.ScalarAsync<bool>("SELECT fence = 1 AND status = 'queued' FROM jobplatform.job_runs"));

        var run = (await platform.Runs.FindAsync(id))!;
        Assert.That(run.Attempt, Is.Zero);
        Assert.That(run.RunAt - run.CreatedAt, Is.EqualTo(TimeSpan.FromHours(1)).Within(TimeSpan.FromSeconds(5)));
    }

    [Test]
    public async Task A_safety_stop_is_a_skipped_run_that_says_what_it_would_have_done()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("careful", "ends", """config = '{"how": "safety_stop"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("careful"));

        Assert.That((run.Status, run.SkipReason), Is.EqualTo((RunStatus.Skipped, "safety_stop")));
        Assert.That(run.Output?.GetProperty("would_delete").GetInt32(), Is.EqualTo(9));
    }

    [Test]
    public async Task A_run_that_takes_too_long_is_stopped_and_says_so()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("slow", "probe", "timeout_seconds = 1", "max_attempts = 1");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("slow", new { milliseconds = 60_000 }));

        Assert.That(run.Status, Is.EqualTo(RunStatus.Failed));
        Assert.That(run.Error?.GetProperty("type").GetString(), Is.EqualTo("timeout"));
        Assert.That(run.Error?.GetProperty("message").GetString(), Does.Contain("1 s (timeout_seconds)"));
        Assert.That(await database.ScalarAsync<string>("SELECT outcome FROM jobplatform.job_attempts"), Is.EqualTo("timeout"));
    }

    [Test]
    public async Task Canceling_reaches_the_token_of_a_running_handler()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("long", "probe");
        await using var platform = await StartAsync(database.ConnectionString);
        var id = await platform.EnqueueAsync("long", new { milliseconds = 60_000 });
        await WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM probe") == 1);

        Assert.That(await platform.Runs.CancelAsync(id, new Actor("test")), Is.EqualTo(CancelAnswer.Requested));

        var run = await platform.WaitForEndAsync(id);
        Assert.That(run.Status, Is.EqualTo(RunStatus.Canceled));
        Assert.That(await platform.Runs.CancelAsync(id, new Actor("test")), Is.EqualTo(CancelAnswer.EndedBefore));
    }

    [Test]
    public async Task Canceling_a_run_that_waits_ends_it_at_once()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("later", "nothing");
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);
        var id = await platform.EnqueueAsync("later");

        Assert.That(await platform.Runs.CancelAsync(id, new Actor("test")), Is.EqualTo(CancelAnswer.Canceled));
        Assert.That((await platform.Runs.FindAsync(id))!.Status, Is.EqualTo(RunStatus.Canceled));
        Assert.That(await platform.Runs.CancelAsync(Guid.CreateVersion7(), new Actor("test")), Is.EqualTo(CancelAnswer.Unknown));
    }

    [Test]
    public async Task A_cancellation_that_comes_while_an_attempt_fails_wins_over_the_next_attempt()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("stubborn", "probe", "retry_delays = '0'");
        await using var platform = await StartAsync(database.ConnectionString);
        var id = await platform.EnqueueAsync("stubborn", new { milliseconds = 1500, fail_attempts = 9, ignore_cancellation = true });
        await WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM probe") == 1);

        await platform.Runs.CancelAsync(id, new Actor("test"));

        var run = await platform.WaitForEndAsync(id);
        Assert.That((run.Status, run.Attempt), Is.EqualTo((RunStatus.Canceled, 1)));
    }

    [Test]
    public async Task Lines_and_progress_of_a_run_are_there_when_it_has_ended_and_secrets_in_them_are_masked()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("talker", "ends", """config = '{"how": "speak", "text": "key marked-secret-0123456789abcdef"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("talker"));

        var lines = await platform.Runs.ListLogAsync(run.Id, 0, 10);
        Assert.That(lines.Select(line => (line.Level, line.Message)), Is.EqualTo(new[] { ("information", "key [secret]") }));
        Assert.That(run.Progress?.GetProperty("note").GetString(), Is.EqualTo("key [secret]"));
        Assert.That(run.Output?.GetProperty("text").GetString(), Is.EqualTo("key [secret]"));
    }

    [Test]
    public async Task Half_characters_in_what_a_handler_says_lose_neither_its_lines_nor_its_ending()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("odd", "ends", """config = '{"how": "half_characters"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("odd"));

        var lines = await platform.Runs.ListLogAsync(run.Id, 0, 10);
        Assert.That(lines.Select(line => line.Message), Is.EqualTo(new[] { new string('x', 8191) + "…", "half \uFFFD" }));
        Assert.That(run.Progress?.GetProperty("note").GetString(), Is.EqualTo("half \uFFFD"));
        Assert.That(run.Error?.GetProperty("message").GetString(), Is.EqualTo("half \uFFFD"));
    }

    [TestCase("nul_output", "text", "a\uFFFDb")]
    [TestCase("huge_output", "truncated", "True")]
    public async Task An_output_that_cannot_be_kept_as_it_is_loses_no_run(string how, string field, string value)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("odd", "ends", $$"""config = '{"how": "{{how}}"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("odd"));

        Assert.That(run.Status, Is.EqualTo(RunStatus.Success));
        Assert.That(run.Output?.GetProperty(field).ToString(), Is.EqualTo(value));
    }

    [Test]
    public async Task A_run_whose_handler_is_unknown_or_whose_config_does_not_fit_fails_with_the_way_out()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("typo", "prob");
        await database.AddJobAsync("misfit", "probe", """config = '{"milliseconds": "soon", "colour": "red"}'""");
        await using var platform = await StartAsync(database.ConnectionString);

        var typo = await platform.WaitForEndAsync(await platform.EnqueueAsync("typo"));
        var misfit = await platform.WaitForEndAsync(await platform.EnqueueAsync("misfit"));

        Assert.That(typo.Error?.GetProperty("message").GetString(), Does.Contain("no handler 'prob'").And.Contain("Did you mean probe?"));
        Assert.That(misfit.Error?.GetProperty("message").GetString(),
            Does.Contain("milliseconds: \"soon\" is not a whole number.").And.Contain("colour: there is no such field."));
        Assert.That((typo.Attempt, misfit.Attempt), Is.EqualTo((1, 1)), "neither is tried again");
    }

    [Test]
    public async Task A_finish_with_an_older_fence_is_refused()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("long", "probe", "overlap_policy = 'allow'");
        await using var platform = await StartAsync(database.ConnectionString);
        var id = await platform.EnqueueAsync("long", new { milliseconds = 1500 });
        await WaitUntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM probe") == 1);

        // Another node took it: its fence moved on.
        await database.ExecuteAsync("UPDATE jobplatform.job_runs SET fence = fence + 1, worker = 'elsewhere'; INSERT INTO jobplatform.workers VALUES ('elsewhere', 'worker', 1, '1', now(), now(), now() + interval '1 hour')");
        await WaitUntilAsync(async () => await database.ScalarAsync<bool>("SELECT ended_at IS NOT NULL FROM probe"));
        await platform.WaitForEndAsync(await platform.EnqueueAsync("long"));

        Assert.That((await platform.Runs.FindAsync(id))!.Status, Is.EqualTo(RunStatus.Running));
    }

    [Test]
    public async Task Runs_of_an_urgent_job_start_before_those_that_waited_longer()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.ExecuteAsync(ProbeHandler.Table);
        await database.AddJobAsync("idle", "probe", "overlap_policy = 'allow'", "priority = 9");
        await database.AddJobAsync("urgent", "probe", "overlap_policy = 'allow'", "priority = 1");
        Guid last;
        await using (var submitter = await StartAsync(database.ConnectionString, runsJobs: false))
        {
            for (var i = 0; i < 5; i++) await submitter.EnqueueAsync("idle");
            for (var i = 0; i < 4; i++) await submitter.EnqueueAsync("urgent");
            last = await submitter.EnqueueAsync("idle");
        }
        await using var platform = await StartAsync(database.ConnectionString, options: new() { Concurrency = 1 });

        await platform.WaitForEndAsync(last);

        Assert.That(await database.ScalarAsync<string>("SELECT string_agg(left(job, 1), '' ORDER BY began_at) FROM probe"), Is.EqualTo("uuuuiiiiii"));
    }

    [Test]
    public async Task A_worker_takes_runs_of_its_own_queues_only()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("mail", "nothing", "queue = 'mail'", "overlap_policy = 'allow'");
        await database.AddJobAsync("other", "nothing", "queue = 'other'", "overlap_policy = 'allow'");
        await database.AddJobAsync("other-limited", "nothing", "queue = 'other'");
        await using var platform = await StartAsync(database.ConnectionString, options: new() { Queues = ["mail"] });
        var others = new[] { await platform.EnqueueAsync("other"), await platform.EnqueueAsync("other-limited") };

        await platform.WaitForEndAsync(await platform.EnqueueAsync("mail"));

        foreach (var other in others) Assert.That((await platform.Runs.FindAsync(other))!.Status, Is.EqualTo(RunStatus.Queued));
    }

    [Test]
    public async Task A_delayed_run_starts_at_its_time_and_not_before()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("later", "nothing");
        await using var platform = await StartAsync(database.ConnectionString, options: new() { PollInterval = TimeSpan.FromSeconds(30) });
        var runAt = await database.ScalarAsync<DateTime>("SELECT clock_timestamp() + interval '1200 milliseconds'");

        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("later", runAt: runAt));

        // Long before the poll, which would find it too.
        Assert.That(run.StartedAt!.Value.UtcDateTime, Is.EqualTo(runAt).Within(TimeSpan.FromSeconds(15)).And.GreaterThanOrEqualTo(runAt));
    }

    [Test]
    public async Task A_job_that_is_disabled_while_its_run_waits_does_not_run()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("off", "nothing");
        Guid waiting, forced;
        await using (var submitter = await StartAsync(database.ConnectionString, runsJobs: false))
        {
            waiting = await submitter.EnqueueAsync("off");
            await database.ExecuteAsync("UPDATE jobplatform.jobs SET is_enabled = false, overlap_policy = 'allow'");
            forced = await submitter.EnqueueAsync("off", force: true);
        }
        await using var platform = await StartAsync(database.ConnectionString);

        Assert.That((await platform.WaitForEndAsync(waiting)).Status, Is.EqualTo(RunStatus.Canceled));
        Assert.That((await platform.WaitForEndAsync(forced)).Status, Is.EqualTo(RunStatus.Success));
    }

    [Test]
    public async Task A_deleted_jobs_waiting_runs_are_canceled_and_its_history_keeps_its_name()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("gone", "nothing");
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);
        var id = await platform.EnqueueAsync("gone");

        await database.ExecuteAsync("DELETE FROM jobplatform.jobs");

        var run = (await platform.Runs.FindAsync(id))!;
        Assert.That((run.Status, run.Job), Is.EqualTo((RunStatus.Canceled, "gone")));
    }

    [Test]
    public async Task A_dead_workers_run_goes_on_and_one_that_kills_five_workers_fails()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("unlucky", "nothing", "max_attempts = 1");
        await database.AddJobAsync("killer", "nothing");
        Guid unlucky, killer;
        await using (var submitter = await StartAsync(database.ConnectionString, runsJobs: false))
        {
            unlucky = await submitter.EnqueueAsync("unlucky");
            killer = await submitter.EnqueueAsync("killer");
        }
        await database.ExecuteAsync(
            "UPDATE jobplatform.job_runs SET status = 'running', started_at = now(), worker = 'dead', attempt = 1, fence = 1, rescues = CASE WHEN id = @killer THEN 4 ELSE 0 END",
            new { killer });
        await using var platform = await StartAsync(database.ConnectionString);

        Assert.That((await platform.WaitForEndAsync(unlucky)).Status, Is.EqualTo(RunStatus.Success));
        var failed = await platform.WaitForEndAsync(killer);
        Assert.That(failed.Status, Is.EqualTo(RunStatus.Failed));
        Assert.That(failed.Error?.GetProperty("type").GetString(), Is.EqualTo("worker_lost"));
    }

    internal static async Task<RunDetails> WaitForAsync(TestPlatform platform, Guid id, RunStatus status)
    {
        RunDetails? run = null;
        await WaitUntilAsync(async () => (run = await platform.Runs.FindAsync(id))?.Status == status);
        return run!;
    }

    internal static async Task WaitUntilAsync(Func<Task<bool>> condition, double seconds = 20)
    {
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        while (!await condition())
        {
            if (clock.GetElapsedTime(start).TotalSeconds > seconds) throw new TimeoutException($"The condition did not hold within {seconds} s.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), clock, CancellationToken.None);
        }
    }
}
