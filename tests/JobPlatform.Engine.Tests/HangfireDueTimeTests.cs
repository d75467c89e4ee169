#if HANGFIRE_ENGINE
using Hangfire;
using Hangfire.Storage;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Tests.Schedules;
using JobPlatform.Engine.Hangfire;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Tests;

/// <summary>
/// Hangfire's own reading of the expressions that we give it, against the platform's table of due times. What becomes of
/// a ring is the platform's reading, the same on both engines; here it is that Hangfire rings.
/// </summary>
public sealed class HangfireDueTimeTests
{
    private const string HashKey = "nightly-report";

    private TestDatabase _database = null!;
    private TestPlatform _platform = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _platform = await TestPlatform.StartAsync(_database.ConnectionString, runsJobs: false, engine: EngineKind.Hangfire);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _platform.DisposeAsync();
        await _database.DisposeAsync();
    }

    [TestCaseSource(typeof(DueTimeTable), nameof(DueTimeTable.Cases))]
    public void Hangfire_rings_at_every_due_time(string expression, string zone, DateTimeOffset after, DateTimeOffset[] expected)
    {
        var translated = HangfireCron.Translate(expression, HashKey);

        foreach (var due in expected)
            Assert.That(translated.Select(cron => FindNext(cron, zone, due)), Does.Contain(due.UtcDateTime), string.Join(" and ", translated));
        Assert.That(expected[0], Is.GreaterThan(after));
    }

    // As the recurring scheduler reads it: a job that is made at that moment counts from a second before.
    private DateTime? FindNext(string cron, string zone, DateTimeOffset now)
    {
        var hangfire = _platform.Services.GetRequiredService<HangfireParts>();
        var manager = new RecurringJobManager(hangfire.Storage, hangfire.FilterProvider, new ZoneResolver(), () => now.UtcDateTime);
        var id = $"{Guid.NewGuid()}";
        var options = new RecurringJobOptions { TimeZone = TimeZones.Find(zone) };
        try
        {
            manager.AddOrUpdate(id, HandOver.JobOf(HashKey, run: null, "cron", lane: null), cron, options);
        }
        catch (ArgumentException)
        {
            manager.AddOrUpdate(id, HandOver.JobOf(HashKey, run: null, "cron", lane: null), HangfireCron.OnEveryDay(cron), options);
        }
        using var connection = hangfire.Storage.GetConnection();
        return connection.GetRecurringJobs([id]).Single().NextExecution;
    }
}
#endif
