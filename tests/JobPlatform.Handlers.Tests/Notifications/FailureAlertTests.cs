using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Notifications;
using JobPlatform.Core.Settings;
using JobPlatform.Mails;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Handlers.Tests.Notifications;

public sealed class FailureAlertTests
{
    [Test]
    public async Task A_failed_run_is_told_with_its_error_duration_and_link()
    {
        await using var office = await Office.CreateAsync();
        var run = await office.EndAsync("failed", error: "Stripe is \"away\" <now>.");

        await office.LookAsync();
        await office.LookAsync();

        var mail = await office.MailsAsync();
        Assert.That(mail.Select(one => (one.To, one.Subject)), Is.EqualTo(new[] { ("ops@example.com", "[JobPlatform] sync failed"), ("boss@example.com", "[JobPlatform] sync failed") }));
        Assert.That(mail[0].Text, Does.Contain("Error: Stripe is \"away\" <now>.").And.Contain($"Run: {run}").And.Contain("Duration: 1.5 s").And.Contain("Attempts: 3"));
        Assert.That(mail[0].Text, Does.Contain($"https://jobs.example.com/admin/runs/{run}"));
        Assert.That(mail[0].Html, Does.Contain($"href=\"https://jobs.example.com/admin/runs/{run}\"").And.Contain("Stripe is &quot;away&quot; &lt;now&gt;."));
    }

    [Test]
    public async Task A_job_is_told_of_once_an_hour_and_the_next_mail_says_how_many_were_held_back()
    {
        await using var office = await Office.CreateAsync("ops@example.com");
        for (var minute = 0; minute < 75; minute += 15)
        {
            await office.EndAsync("failed");
            await office.LookAsync();
            office.Clock.Advance(TimeSpan.FromMinutes(15));
        }

        var mails = await office.MailsAsync();
        Assert.That(mails.Select(mail => mail.Subject), Is.EqualTo((string[])["[JobPlatform] sync failed", "[JobPlatform] sync failed"]), "at 0 and at 60 minutes");
        Assert.That(mails[1].Text, Does.Contain("3 more failures were held back since the last mail"));
    }

    [Test]
    public async Task Failures_that_were_held_back_are_told_when_the_hour_is_over_also_when_nothing_ran_since()
    {
        await using var office = await Office.CreateAsync("ops@example.com");
        await office.EndAsync("failed");
        await office.LookAsync();
        await office.EndAsync("failed");
        await office.LookAsync();

        office.Clock.Advance(TimeSpan.FromMinutes(61));
        await office.LookAsync();
        office.Clock.Advance(TimeSpan.FromHours(5));
        await office.LookAsync();

        Assert.That((await office.MailsAsync()).Select(mail => mail.Subject), Is.EqualTo((string[])["[JobPlatform] sync failed", "[JobPlatform] sync failed"]));
    }

    [Test]
    public async Task After_a_success_a_mail_says_that_it_works_again_once_and_only_to_those_who_heard_of_the_failure()
    {
        await using var office = await Office.CreateAsync("ops@example.com");
        await office.EndAsync("success");
        await office.LookAsync();
        Assert.That(await office.MailsAsync(), Is.Empty);
        await office.EndAsync("failed");
        await office.LookAsync();
        await office.EndAsync("failed");
        await office.LookAsync();
        await office.EndAsync("success");
        await office.LookAsync();
        await office.EndAsync("success");
        await office.LookAsync();

        var mails = await office.MailsAsync();
        Assert.That(mails.Select(mail => mail.Subject), Is.EqualTo((string[])["[JobPlatform] sync failed", "[JobPlatform] sync works again"]));
        Assert.That(mails[1].Text, Does.Contain("1 more failure was held back"));

        // It fails and recovers within the hour: both are held back, as neither makes sense without the other.
        await office.EndAsync("failed");
        await office.LookAsync();
        await office.EndAsync("success");
        await office.LookAsync();
        Assert.That(await office.MailsAsync(), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_job_that_nobody_wants_to_hear_of_is_silent_and_its_old_failures_are_no_news_later()
    {
        await using var office = await Office.CreateAsync("ops@example.com");
        await office.Database.ExecuteAsync("UPDATE jobplatform.jobs SET notify_on_failure = false");
        await office.EndAsync("failed");
        await office.LookAsync();
        await office.Database.ExecuteAsync("UPDATE jobplatform.jobs SET notify_on_failure = true");
        await office.LookAsync();

        Assert.That(await office.MailsAsync(), Is.Empty);
    }

    [Test]
    public async Task Of_many_nodes_that_look_at_once_one_tells()
    {
        await using var office = await Office.CreateAsync("ops@example.com");
        await office.EndAsync("failed");

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => office.LookAsync()));

        Assert.That(await office.MailsAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Without_ADMIN_EMAILS_all_admins_who_may_sign_in_are_told_and_no_secret_leaves()
    {
        await using var office = await Office.CreateAsync(emails: (string[])[]);
        await office.Database.ExecuteAsync(
            "INSERT INTO jobplatform.admin_users (email, role, is_disabled) VALUES ('a@example.com', 'admin', false), ('b@example.com', 'admin', true), ('c@example.com', 'viewer', false)");
        await office.EndAsync("failed", error: "refused marked-secret-0123456789abcdef");
        await office.LookAsync();

        var mail = (await office.MailsAsync()).Single();
        Assert.That(mail.To, Is.EqualTo("a@example.com"));
        Assert.That(mail.Html + mail.Text, Does.Not.Contain("marked-secret"));
    }

    /// <summary>A database with one job whose runs end as the test says, and the look for failures.</summary>
    private sealed class Office(TestDatabase database, PlatformDatabase platform, MailSettings settings) : IAsyncDisposable
    {
        private static readonly SecretRedactor Redactor = new(["marked-secret-0123456789abcdef"]);

        public FakeClock Clock { get; } = new();

        public TestDatabase Database => database;

        public static async Task<Office> CreateAsync(params string[] emails)
        {
            var database = await TestDatabase.CreateAsync();
            await database.AddJobAsync("sync", "probe");
            return new(database, new PlatformDatabase(database.ConnectionString), new MailSettings { AdminEmails = emails });
        }

        public static Task<Office> CreateAsync() => CreateAsync("ops@example.com", "boss@example.com");

        public async Task<Guid> EndAsync(string status, string error = "It broke.")
        {
            var id = Guid.CreateVersion7(Clock.GetUtcNow());
            await database.ExecuteAsync(
                """
                INSERT INTO jobplatform.job_runs (id, job_id, run_at, started_at, finished_at, duration_ms, fence, job_version, priority, attempt, limited, queue, status, trigger, worker, error)
                VALUES (@id, 1, @now, @now, @now, 1500, 1, 1, 5, 3, true, 'default', @status, 'manual', 'w', CASE WHEN @status = 'failed' THEN jsonb_build_object('type', 'failed', 'message', @error, 'attempt', 3) END);
                INSERT INTO jobplatform.job_statistics AS s (job_id, success_count, failed_count, consecutive_failures)
                VALUES (1, (@status = 'success')::int, (@status = 'failed')::int, (@status = 'failed')::int)
                ON CONFLICT (job_id) DO UPDATE SET success_count = s.success_count + excluded.success_count, failed_count = s.failed_count + excluded.failed_count,
                    consecutive_failures = CASE WHEN excluded.success_count > 0 THEN 0 ELSE s.consecutive_failures + 1 END
                """, new { id, now = Clock.GetUtcNow(), status, error });
            return id;
        }

        public async Task LookAsync()
        {
            using var alerts = new FailureAlerts(platform, new AdminNotifier(new Mailer(platform, settings), settings, Redactor), Clock, new Uri("https://jobs.example.com"), NullLogger<FailureAlerts>.Instance);
            await alerts.LookAsync();
        }

        public async Task<List<(string To, string Subject, string Html, string Text)>> MailsAsync()
        {
            await using var connection = await database.OpenAsync();
            return (await connection.QueryAsync<(string, string, string, string)>("SELECT to_address, subject, html_body, text_body FROM jobplatform.pending_emails ORDER BY id")).AsList();
        }

        public async ValueTask DisposeAsync()
        {
            await platform.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
