#if HANGFIRE_ENGINE
using System.Globalization;
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
        var rings = HangfireCron.Translate(expression, HashKey, zone, after);

        foreach (var due in expected)
            Assert.That(rings.Select(ring => FindNext(ring, due)), Does.Contain(due.UtcDateTime), string.Join(" and ", rings));
        Assert.That(expected[0], Is.GreaterThan(after));
    }

    [TestCase("Europe/Dublin", "2026-03-29T00:14:59Z")]
    [TestCase("Africa/Casablanca", "2026-02-15T02:14:59Z")]
    public void It_rings_on_where_its_parser_would_go_back_in_time(string zone, string now)
    {
        var from = DateTimeOffset.Parse(now, CultureInfo.InvariantCulture);

        var ring = HangfireCron.Translate("10 1-3 * * 1,3", HashKey, zone, from).Single();

        Assert.That(ring, Is.EqualTo(new HangfireCron("0,10,15,25,30,40,45,55 * * * *", "UTC")));
        Assert.That(FindNext(ring, from), Is.EqualTo(from.UtcDateTime.AddSeconds(1)));
    }

    // As the recurring scheduler reads it: a job that is made at that moment counts from a second before.
    private DateTime? FindNext(HangfireCron ring, DateTimeOffset now)
    {
        var hangfire = _platform.Services.GetRequiredService<HangfireParts>();
        var manager = new RecurringJobManager(hangfire.Storage, hangfire.FilterProvider, new ZoneResolver(), () => now.UtcDateTime);
        var id = $"{Guid.NewGuid()}";
        var options = new RecurringJobOptions { TimeZone = TimeZones.Find(ring.TimeZone) };
        try
        {
            manager.AddOrUpdate(id, HandOver.JobOf(HashKey, run: null, "cron", lane: null), ring.Cron, options);
        }
        catch (ArgumentException)
        {
            manager.AddOrUpdate(id, HandOver.JobOf(HashKey, run: null, "cron", lane: null), ring.OnEveryDay().Cron, options);
        }
        using var connection = hangfire.Storage.GetConnection();
        return connection.GetRecurringJobs([id]).Single().NextExecution;
    }
}
#endif
