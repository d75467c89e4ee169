using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Alerts;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using JobPlatform.Mails;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Handlers.Tests.Notifications;

public sealed class PlatformAlertTests
{
    [Test]
    public async Task A_due_time_that_no_scheduler_turned_into_a_run_is_told_once_and_its_end()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.ScheduleAsync(due: watch.Clock.GetUtcNow());

        await watch.LookAsync();
        watch.Clock.Advance(TimeSpan.FromSeconds(599));
        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.Empty, "within its grace");
        watch.Clock.Advance(TimeSpan.FromSeconds(1));
        await watch.LookAsync();
        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] nightly has not started"]));

        await watch.Database.ExecuteAsync("UPDATE jobplatform.schedules SET next_due_at = next_due_at + interval '1 day'");
        await watch.LookAsync();
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] nightly has not started", "[JobPlatform] Over: nightly has not started"]));
    }

    [TestCase("queued", null)]
    [TestCase("skipped", "misfire")]
    public async Task A_cron_run_that_nobody_started_in_the_jobs_own_grace_is_missed_until_a_later_one_starts(string status, string? reason)
    {
        await using var watch = await Watch.CreateAsync();
        await watch.Database.ExecuteAsync("UPDATE jobplatform.jobs SET missed_after_seconds = 60");
        await watch.ScheduleAsync(due: watch.Clock.GetUtcNow().AddDays(1));
        await watch.AddRunAsync(status, scheduled: watch.Clock.GetUtcNow(), reason: reason);
        watch.Clock.Advance(TimeSpan.FromSeconds(61));
        await watch.LookAsync();
        await watch.AddRunAsync("running", scheduled: watch.Clock.GetUtcNow());
        watch.Clock.Advance(TimeSpan.FromSeconds(61));
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] nightly has not started", "[JobPlatform] Over: nightly has not started"]));
    }

    [Test]
    public async Task What_the_misfire_policy_skipped_is_over_when_any_run_makes_up_for_it()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.ScheduleAsync(due: watch.Clock.GetUtcNow().AddDays(30));
        await watch.AddRunAsync("skipped", scheduled: watch.Clock.GetUtcNow(), reason: "misfire");
        watch.Clock.Advance(TimeSpan.FromSeconds(601));
        await watch.LookAsync();
        await watch.AddRunAsync("running");
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] nightly has not started", "[JobPlatform] Over: nightly has not started"]));
    }

    [Test]
    public async Task A_job_whose_expression_cannot_be_read_is_told_as_it_never_runs()
    {
        await using var watch = await Watch.CreateAsync();
        // The time of a change is the database's own.
        const string update = "SET session_replication_role = replica; UPDATE jobplatform.jobs SET cron_expression = 'nonsense', updated_at = @at; RESET session_replication_role";
        await watch.Database.ExecuteAsync(update, new { at = watch.Clock.GetUtcNow() });
        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.Empty, "a schedule is about to be made");
        await watch.Database.ExecuteAsync(update, new { at = watch.Clock.GetUtcNow().AddSeconds(-600) });
        await watch.LookAsync();
        await watch.ScheduleAsync(due: watch.Clock.GetUtcNow().AddDays(1));
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] nightly is not scheduled", "[JobPlatform] Over: nightly is not scheduled"]));
    }

    [Test]
    public async Task What_all_jobs_miss_at_once_is_one_mail_and_its_end_another()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.jobs (name, handler) SELECT 'job-' || n, 'probe' FROM generate_series(10, 33) n;
            INSERT INTO jobplatform.schedules (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
            SELECT id, name, 1, '0 0 * * *', 'UTC', 'one', @due FROM jobplatform.jobs WHERE name LIKE 'job-%';
            """, new { due = watch.Clock.GetUtcNow() });
        watch.Clock.Advance(TimeSpan.FromSeconds(601));
        await watch.LookAsync();
        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] 24 alerts: job-10 has not started, and so on"]));
        Assert.That(await watch.Database.ScalarAsync<string>("SELECT text_body FROM jobplatform.pending_emails"), Does.Contain("job-29 has not started").And.Contain("and 4 more"));
        await watch.Database.ExecuteAsync("UPDATE jobplatform.schedules SET next_due_at = next_due_at + interval '1 day'");
        await watch.LookAsync();

        Assert.That((await watch.SubjectsAsync())[1..], Is.EqualTo((string[])["[JobPlatform] Over: 24 alerts: job-10 has not started, and so on"]));
    }

    [Test]
    public async Task A_disabled_job_and_a_paused_schedule_miss_nothing()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.ScheduleAsync(due: watch.Clock.GetUtcNow());
        watch.Clock.Advance(TimeSpan.FromDays(1));

        await watch.Database.ExecuteAsync("UPDATE jobplatform.schedules SET state = 'paused'");
        await watch.LookAsync();
        await watch.Database.ExecuteAsync("UPDATE jobplatform.schedules SET state = 'active'; UPDATE jobplatform.jobs SET is_enabled = false");
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.Empty);
    }

    [Test]
    public async Task A_run_that_takes_five_times_the_usual_is_told_once_and_its_end()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.Database.ExecuteAsync("INSERT INTO jobplatform.job_statistics (job_id, success_count, total_duration_ms) VALUES (1, 5, 5 * 100000); UPDATE jobplatform.jobs SET timeout_seconds = 3600");
        await watch.AddRunAsync("running");
        watch.Clock.Advance(TimeSpan.FromSeconds(499));
        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.Empty, "usual are 100 s");
        watch.Clock.Advance(TimeSpan.FromSeconds(2));
        await watch.LookAsync();
        await watch.LookAsync();
        await watch.Database.ExecuteAsync("UPDATE jobplatform.job_runs SET status = 'success', finished_at = now()");
        await watch.LookAsync();
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] nightly takes unusually long", "[JobPlatform] Over: nightly takes unusually long"]));
    }

    [Test]
    public async Task A_run_of_a_job_without_a_usual_is_too_long_a_minute_after_its_time_limit()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.AddRunAsync("running");
        watch.Clock.Advance(TimeSpan.FromSeconds(359));
        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.Empty);
        watch.Clock.Advance(TimeSpan.FromSeconds(2));
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] nightly takes unusually long"]));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_queue_that_is_too_deep_is_told_once_and_its_end_when_half_of_the_limit_is_left(bool limited)
    {
        await using var watch = await Watch.CreateAsync(new() { QueueDepth = 10 });
        for (var i = 0; i < 11; i++) await watch.AddRunAsync("queued", limited: limited);
        await watch.LookAsync();
        await watch.Database.ExecuteAsync("DELETE FROM jobplatform.job_runs WHERE id IN (SELECT id FROM jobplatform.job_runs LIMIT 5)");
        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] The queue default is too deep"]), "6 of 10: not over yet");
        await watch.Database.ExecuteAsync("DELETE FROM jobplatform.job_runs WHERE id IN (SELECT id FROM jobplatform.job_runs LIMIT 1)");
        await watch.LookAsync();
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] The queue default is too deep", "[JobPlatform] Over: The queue default is too deep"]));
    }

    [Test]
    public async Task Mail_that_is_not_sent_is_told_once_and_its_end()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.Database.ExecuteAsync("INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, run_at) VALUES ('ada@example.com', 'Hi', 'Hi', @now)", new { now = watch.Clock.GetUtcNow() });
        watch.Clock.Advance(TimeSpan.FromMinutes(29));
        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.Empty);
        watch.Clock.Advance(TimeSpan.FromMinutes(1));
        await watch.LookAsync();
        await watch.LookAsync();
        await watch.Database.ExecuteAsync("UPDATE jobplatform.pending_emails SET status = 'sent', sent_at = now()");
        await watch.LookAsync();
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] Mail is not sent", "[JobPlatform] Over: Mail is not sent"]));
    }

    [Test]
    public async Task Of_many_nodes_that_look_at_once_one_tells()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.ScheduleAsync(due: watch.Clock.GetUtcNow().AddDays(-1));

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => watch.LookAsync()));

        Assert.That(await watch.SubjectsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task What_comes_and_goes_is_told_once_an_hour()
    {
        await using var watch = await Watch.CreateAsync(new() { QueueDepth = 1 });
        for (var minute = 0; minute < 75; minute += 15)
        {
            await watch.AddRunAsync("queued");
            await watch.AddRunAsync("queued");
            await watch.LookAsync();
            await watch.Database.ExecuteAsync("DELETE FROM jobplatform.job_runs");
            await watch.LookAsync();
            watch.Clock.Advance(TimeSpan.FromMinutes(15));
        }

        Assert.That(await watch.SubjectsAsync(), Has.Count.EqualTo(4), "at 0 and at 60 minutes, each with its end");
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task In_a_window_of_silence_nobody_is_told_and_what_is_still_wrong_at_its_end_is_told_then(bool recurring)
    {
        await using var watch = await Watch.CreateAsync();
        var now = watch.Clock.GetUtcNow();
        // The clock stands at 12:00.
        var (id, fault) = await watch.Silences.AddAsync(recurring
            ? new() { CronExpression = "0 12 * * *", Minutes = 60, Job = "nightly" }
            : new() { StartsAt = now, EndsAt = now.AddMinutes(60), Job = "nightly" }, Actor.CommandLine);
        Assert.That(fault, Is.Null);
        await watch.ScheduleAsync(due: now.AddDays(-1));
        await watch.Database.ExecuteAsync("INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, run_at) VALUES ('ada@example.com', 'Hi', 'Hi', '2026-01-01Z')");

        await watch.LookAsync();
        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] Mail is not sent"]), "the silence is that of one job");
        watch.Clock.Advance(TimeSpan.FromMinutes(60));
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.EqualTo((string[])["[JobPlatform] Mail is not sent", "[JobPlatform] nightly has not started"]));
        Assert.That(await watch.Silences.RemoveAsync(id!.Value, Actor.CommandLine), Is.True);
    }

    [Test]
    public async Task What_began_and_ended_in_silence_is_never_told_and_stays_in_the_table()
    {
        await using var watch = await Watch.CreateAsync();
        await watch.Database.ExecuteAsync("INSERT INTO jobplatform.alert_silences (starts_at, ends_at) VALUES (@now, @now + interval '1 hour')", new { now = watch.Clock.GetUtcNow() });
        await watch.ScheduleAsync(due: watch.Clock.GetUtcNow().AddDays(-1));
        await watch.LookAsync();
        await watch.Database.ExecuteAsync("UPDATE jobplatform.schedules SET next_due_at = '2100-01-01Z'");
        await watch.LookAsync();
        watch.Clock.Advance(TimeSpan.FromHours(2));
        await watch.LookAsync();

        Assert.That(await watch.SubjectsAsync(), Is.Empty);
        Assert.That((await new AlertReader(watch.Platform).ListAsync(openOnly: false)).Single().ClosedAt, Is.Not.Null);
    }

    [Test]
    public async Task A_silence_that_is_none_is_refused_with_a_sentence()
    {
        await using var watch = await Watch.CreateAsync();
        var now = watch.Clock.GetUtcNow();

        Assert.Multiple(async () =>
        {
            Assert.That((await watch.Silences.AddAsync(new() { StartsAt = now, EndsAt = now }, Actor.CommandLine)).Fault, Does.Contain("1 minute"));
            Assert.That((await watch.Silences.AddAsync(new() { CronExpression = "0 12 * * *" }, Actor.CommandLine)).Fault, Does.Contain("1 minute"));
            Assert.That((await watch.Silences.AddAsync(new() { CronExpression = "noon", Minutes = 5 }, Actor.CommandLine)).Fault, Does.Contain("noon"));
            Assert.That((await watch.Silences.AddAsync(new() { StartsAt = now, EndsAt = now.AddHours(1), Job = "nowhere" }, Actor.CommandLine)).Fault, Is.EqualTo("There is no job 'nowhere'."));
        });
    }

    /// <summary>A database with one job, and the look for alerts.</summary>
    private sealed class Watch(TestDatabase database, PlatformDatabase platform, AlertSettings settings) : IAsyncDisposable
    {
        private static readonly MailSettings Mail = new() { AdminEmails = ["ops@example.com"] };

        private static readonly SecretRedactor Redactor = new(["marked-secret-0123456789abcdef"]);

        public FakeClock Clock { get; } = new();

        public TestDatabase Database => database;

        public PlatformDatabase Platform => platform;

        public Silences Silences { get; } = new(platform, new AuditLog(platform, Redactor));

        public static async Task<Watch> CreateAsync(AlertSettings? settings = null)
        {
            var database = await TestDatabase.CreateAsync();
            await database.AddJobAsync("nightly", "probe");
            return new(database, new PlatformDatabase(database.ConnectionString), settings ?? new());
        }

        public Task ScheduleAsync(DateTimeOffset due) => database.ExecuteAsync(
            """
            INSERT INTO jobplatform.schedules (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
            VALUES (1, 'nightly', 1, '0 0 * * *', 'UTC', 'one', @due)
            """, new { due });

        public Task AddRunAsync(string status, DateTimeOffset? scheduled = null, string? reason = null, bool limited = true) => database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, scheduled_for, queue, priority, limited, status, skip_reason, started_at, finished_at, worker, attempt, fence)
            SELECT jobplatform.uuid_v7(), 1, 1, CASE WHEN @scheduled::timestamptz IS NULL THEN 'api' ELSE 'cron' END, @now, @scheduled, 'default', 5, @limited, @status, @reason,
                   CASE WHEN running THEN @now END, CASE WHEN @reason IS NOT NULL THEN @now END, CASE WHEN running THEN 'w' END, running::int, running::int
              FROM (SELECT @status = 'running' AS running) s
            """, new { status, scheduled, reason, limited, now = Clock.GetUtcNow() });

        public async Task LookAsync()
        {
            using var alerts = new PlatformAlerts(platform, new AdminNotifier(new Mailer(platform, Mail), Mail, Redactor), settings, Clock, new Uri("https://jobs.example.com"), NullLogger<PlatformAlerts>.Instance);
            await alerts.LookAsync();
        }

        public async Task<List<string>> SubjectsAsync()
        {
            await using var connection = await database.OpenAsync();
            return (await connection.QueryAsync<string>("SELECT subject FROM jobplatform.pending_emails WHERE to_address = 'ops@example.com' ORDER BY id")).AsList();
        }

        public async ValueTask DisposeAsync()
        {
            await platform.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
