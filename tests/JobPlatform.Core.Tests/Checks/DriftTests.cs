using JobPlatform.Core.Checks;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Webhooks;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Core.Tests.Checks;

public sealed class DriftTests
{
    [Test]
    public async Task What_is_out_of_step_is_found_and_what_is_in_step_is_not()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false);
        await database.AddJobAsync("well", "greet", "cron_expression = '0 0 * * *'");
        await database.AddJobAsync("probes", "probe");
        await platform.Services.GetRequiredService<ScheduleSync>().ReconcileAsync();
        var before = (await FindAsync(platform)).Select(drift => drift.Message).ToList();

        await database.AddJobAsync("unscheduled", "greet", "cron_expression = '0 1 * * *'");
        await database.AddJobAsync("lost", "no-such-handler");
        await database.AddJobAsync("unfit", "greet", """config = '{"nome": 5}'""");
        await database.AddJobAsync("gone", "greet", "cron_expression = '0 2 * * *'");
        await platform.Services.GetRequiredService<ScheduleSync>().ReconcileAsync();
        await database.ExecuteAsync(
            """
            UPDATE jobplatform.schedules SET cron_expression = '5 5 * * *' WHERE job_name = 'well';
            DELETE FROM jobplatform.schedules WHERE job_name = 'unscheduled';
            DELETE FROM jobplatform.jobs WHERE name = 'gone';
            DELETE FROM jobplatform.jobs WHERE name = 'probes';
            """);
        var found = (await FindAsync(platform)).Where(drift => !before.Contains(drift.Message)).Select(drift => $"{drift.Area}: {drift.Message}").ToList();

        Assert.That(before, Has.None.Contain("'well'").And.None.Contain("'probe'"));
        Assert.Multiple(() =>
        {
            Assert.That(found, Has.One.StartsWith("schedules: The engine's schedule of the job 'well' is 5 5 * * * (UTC, active), and its row asks for 0 0 * * * (UTC)"));
            Assert.That(found, Has.One.StartsWith("schedules: The engine has no schedule of the job 'unscheduled'"));
            Assert.That(found, Has.One.StartsWith("schedules: The engine has a schedule of 'gone'"));
            Assert.That(found, Has.One.StartsWith("jobs: The job 'lost' cannot run"));
            Assert.That(found, Has.One.StartsWith("jobs: The job 'unfit' cannot run, its config does not fit"));
            Assert.That(found, Has.One.StartsWith("handlers: No job uses the handler 'probe'"));
            Assert.That(found, Has.Count.EqualTo(6));
        });
    }

    [Test]
    public async Task A_clock_that_is_more_than_two_seconds_off_is_found()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false);
        var clock = new DatabaseClock();
        clock.Adopt(TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(60), TimeProvider.System.GetTimestamp(), TimeProvider.System.GetTimestamp());

        Assert.That((await FindAsync(platform, clock)).Where(drift => drift.Area == "clock").Select(drift => drift.Message), Has.One.Contain("-60.0 s from the database's"));
        Assert.That((await FindAsync(platform)).Where(drift => drift.Area == "clock"), Is.Empty);
    }

    private static async Task<List<Finding>> FindAsync(TestPlatform platform, TimeProvider? clock = null)
    {
        var check = new DriftCheck(platform.Services.GetRequiredService<HandlerCatalog>(), platform.Services.GetRequiredService<AppDatabase>(),
            platform.Services.GetRequiredService<JobStore>(), platform.Services.GetRequiredService<WebhookHandlerStore>(), platform.Engine,
            clock ?? platform.Services.GetRequiredService<TimeProvider>());
        var found = new List<Finding>();
        await foreach (var finding in check.FindAsync(hasApp: true)) found.Add(finding);
        return found;
    }
}
