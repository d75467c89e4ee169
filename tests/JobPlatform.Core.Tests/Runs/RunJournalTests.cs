using JobPlatform.Core.Database;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Core.Tests.Runs;

public sealed class RunJournalTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public async Task What_the_database_refuses_for_good_is_dropped_and_does_not_stop_what_comes_later()
    {
        await using var database = await TestDatabase.CreateAsync();
        var run = await AddRunningAsync(database);
        await using var platform = new PlatformDatabase(database.ConnectionString);
        using var journal = Create(platform);
        var other = await database.ScalarAsync<Guid>("SELECT id FROM jobplatform.job_runs WHERE id <> @Id", new { run.Id });
        journal.Report(run with { Id = other }, "no JSON");
        journal.Write(run, At, LogLevel.Information, "first");
        await journal.FlushAsync();

        journal.Report(run, """{"done": 2}""");
        await journal.FlushAsync();

        Assert.That(await database.ScalarAsync<string>("SELECT progress ->> 'done' FROM jobplatform.job_runs WHERE id = @Id", new { run.Id }), Is.EqualTo("2"));
        Assert.That(await database.ScalarAsync<string>("SELECT string_agg(message, ',') FROM jobplatform.job_run_logs"), Is.EqualTo("first"));
    }

    [Test]
    public async Task Lines_that_the_database_cannot_take_now_are_kept_up_to_eight_million_characters()
    {
        await using var database = await TestDatabase.CreateAsync();
        var run = await AddRunningAsync(database);
        await database.ExecuteAsync("ALTER TABLE jobplatform.job_run_logs RENAME TO away");
        await using var platform = new PlatformDatabase(database.ConnectionString);
        using var journal = Create(platform);
        for (var i = 0; i < 1100; i++) journal.Write(run, At, LogLevel.Information, new string('x', 8192));
        await journal.FlushAsync();

        await database.ExecuteAsync("ALTER TABLE jobplatform.away RENAME TO job_run_logs");
        await journal.FlushAsync();

        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_run_logs"), Is.EqualTo(8 * 1024 * 1024 / (8192 + 128)));
    }

    private static RunJournal Create(PlatformDatabase platform) =>
        new(platform, new SecretRedactor([]), TimeProvider.System, NullLogger<RunJournal>.Instance);

    private static async Task<ClaimedRun> AddRunningAsync(TestDatabase database)
    {
        var job = await database.AddJobAsync("j", "nothing");
        await database.ExecuteAsync(
            """
            SELECT jobplatform.enqueue_job('j') FROM generate_series(1, 2);
            UPDATE jobplatform.job_runs SET status = 'running', started_at = now(), worker = 'w', attempt = 1, fence = 1
            """);
        return new ClaimedRun
        {
            Id = await database.ScalarAsync<Guid>("SELECT id FROM jobplatform.job_runs ORDER BY id LIMIT 1"), JobId = job, JobVersion = 1, Fence = 1, Attempt = 1,
            Rescues = 0, Trigger = RunTrigger.Sql, Forced = false, Limited = false, StartedAt = At, RunAt = At,
        };
    }
}
