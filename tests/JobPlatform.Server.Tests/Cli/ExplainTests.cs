namespace JobPlatform.Server.Tests.Cli;

public sealed class ExplainTests
{
    private const string Run = "INSERT INTO jobplatform.job_runs (id, job_id, job_version, priority, limited, queue, ";

    [Test]
    public async Task What_runs_what_waits_for_it_and_what_became_of_due_times_is_read_from_the_rows()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        // Whose schedule can be written by hand.
        cli.Environment["ENGINE"] = "embedded";
        // Twelve hours away from now: no due time passes while the test runs.
        var now = TimeProvider.System.GetUtcNow();
        var due = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerHour)).AddHours(-12);
        var cron = $"0 {due.Hour} * * *";
        var id = await cli.Database.AddJobAsync("nightly", "test-job", $"cron_expression = '{cron}'", "overlap_policy = 'queue'");
        await cli.Database.ExecuteAsync(
            $$"""
            UPDATE jobplatform.jobs SET created_at = now() - interval '10 days' WHERE id = {{id}};
            UPDATE jobplatform.job_versions SET changed_at = now() - interval '10 days' WHERE job_id = {{id}};
            INSERT INTO jobplatform.workers (name, role, concurrency, version, lease_until) VALUES ('w', 'all', 4, '0', now() + interval '1 hour');
            INSERT INTO jobplatform.schedules (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
            VALUES ({{id}}, 'nightly', 1, '{{cron}}', 'UTC', 'one', @due + interval '1 day');
            {{Run}} run_at, trigger, status, started_at, worker, attempt, fence, progress)
            VALUES (jobplatform.uuid_v7(), {{id}}, 1, 5, true, 'default', now(), 'manual', 'running', now() - interval '2 hours 1 minute', 'w', 1, 1, '{"done":1,"total":4}');
            {{Run}} run_at, trigger) SELECT jobplatform.uuid_v7(), {{id}}, 1, 5, true, 'default', now() - interval '5 minutes', 'manual' FROM generate_series(1, 3);
            {{Run}} run_at, scheduled_for, created_at, trigger, status, started_at, finished_at, duration_ms)
            VALUES (jobplatform.uuid_v7(), {{id}}, 1, 5, true, 'default', @due, @due, @due, 'cron', 'success', @due, @due, 1200);
            {{Run}} run_at, scheduled_for, trigger, status, skip_reason, finished_at, output)
            VALUES (jobplatform.uuid_v7(), {{id}}, 1, 5, true, 'default', @due - interval '1 day', @due - interval '1 day', 'cron', 'skipped', 'misfire', now(),
                    jsonb_build_object('due_times', 3, 'more', false, 'first', @due - interval '3 days'));
            INSERT INTO jobplatform.job_statistics (job_id, consecutive_failures) VALUES ({{id}}, 2);
            {{Run}} run_at, trigger, status, finished_at, error)
            VALUES (jobplatform.uuid_v7(), {{id}}, 1, 5, true, 'default', now(), 'manual', 'failed', now(), '{"type":"failed","message":"disk full"}');
            """, new { due });

        var text = await cli.RunAsync("jobs", "explain", "nightly");
        var json = (await cli.RunAsync("jobs", "explain", "nightly", "--json")).Json;

        var answers = json.GetProperty("last_due_times").EnumerateArray().ToList();
        Assert.Multiple(() =>
        {
            Assert.That(text.ExitCode, Is.Zero, text.Errors);
            Assert.That(text.Output, Does.Match(@"^The job 'nightly' is running since .* \(2 h ago\): run \S+, attempt 1, on w, 1 of 4 \(25 %\)\.\n"
                + @"- 3 runs wait since .* \(5 min ago\): overlap_policy queue, max_concurrency 1, and run \S+ has been running for 2 h\.\n"
                + @"- 2 runs failed in a row, last at .*: disk full\n\n"
                + @"due:      0 \d+ \* \* \* UTC: at \d\d:00 every day\nnext due: .*\n          .*\n          .*\n\nDUE \(UTC\).*\n.* success in 1\.2 s\s*\n.* could start them \(also the 2 before\)\s*\n"));
            Assert.That(json.GetProperty("answer").GetString(), Does.StartWith("The job 'nightly' is running"));
            Assert.That(json.GetProperty("waiting").GetArrayLength(), Is.EqualTo(3));
            Assert.That(json.GetProperty("next_due_times").GetArrayLength(), Is.EqualTo(3));
            Assert.That(answers.ConvertAll(one => one.GetProperty("status").GetString()).Take(5), Is.EqualTo((string?[])["success", "skipped", "skipped", "skipped", null]));
            Assert.That(answers[3].GetProperty("explanation").GetString(), Does.Contain("one of 3 due times"));
            Assert.That(answers[4].GetProperty("explanation").GetString(), Is.EqualTo("no run is kept: it was purged, or the job was not scheduled yet"));
        });
    }

    [Test]
    public async Task A_disabled_job_tells_who_disabled_it_and_what_else_would_stop_it()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.AddJobAsync("sessions", "cleanup-sessions", "cron_expression = '* * * * *'", """config = '{"days_to_keep": 0, "batch_size": "many"}'""");
        await cli.RunAsync("jobs", "disable", "sessions");

        var result = await cli.RunAsync("jobs", "explain", "sessions");

        var lines = result.Output.Split('\n');
        Assert.Multiple(() =>
        {
            Assert.That(lines[0], Does.Match($@"^The job 'sessions' is disabled since .*, by cli:{System.Environment.UserName} \(version 3\)"));
            Assert.That(result.Output, Does.Contain("batch_size: \"many\" is not a whole number.").And.Contain("days_to_keep: 0 is not allowed.")
                .And.Contain("public.chat_sessions missing").And.Contain("No worker is alive"));
            Assert.That(result.Output, Does.Not.Contain("next due:"));
        });
    }

    [Test]
    public async Task An_application_database_that_does_not_answer_is_part_of_the_answer()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        cli.Environment["ConnectionStrings__App"] = "Host=127.0.0.1;Port=1;Username=x;Password=topsecret123;Database=x";
        await cli.Database.AddJobAsync("sessions", "cleanup-sessions");

        var result = await cli.RunAsync("jobs", "explain", "sessions");

        Assert.That(result.ExitCode, Is.Zero, result.Errors);
        Assert.That(result.Output, Does.StartWith("The job 'sessions' cannot run. The application's database (ConnectionStrings__App) does not answer").And.Not.Contain("topsecret123"));
    }

    [Test]
    public async Task A_run_shows_its_attempts_that_failed()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.AddJobAsync("fails", "test-fail-job", "max_attempts = 2", "retry_delays = '0'");
        await using var server = cli.Serve();
        await cli.RunAsync("jobs", "run", "fails", "--wait");
        var id = (await cli.RunAsync("runs", "list", "--json")).Json[0].GetProperty("id").GetString()!;

        var text = await cli.RunAsync("runs", "show", id);
        var json = (await cli.RunAsync("runs", "show", id, "--json")).Json;

        var attempts = json.GetProperty("attempts").EnumerateArray().ToList();
        Assert.Multiple(() =>
        {
            Assert.That(json.GetProperty("id").GetString(), Is.EqualTo(id));
            Assert.That(attempts.ConvertAll(attempt => attempt.GetProperty("number").GetInt32()), Is.EqualTo((int[])[1, 2]));
            Assert.That(attempts[0].GetProperty("outcome").GetString(), Is.EqualTo("failed"));
            Assert.That(attempts[0].GetProperty("error").GetProperty("message").GetString(), Is.EqualTo("This job always fails."));
            Assert.That(text.Output, Does.Match(@"(?m)^ATTEMPT +OUTCOME +STARTED \(UTC\) +TOOK +WORKER +ERROR").And.Match(@"(?m)^2 +failed +.* This job always fails\."));
        });
    }
}
