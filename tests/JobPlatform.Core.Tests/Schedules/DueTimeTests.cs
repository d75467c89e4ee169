using System.Globalization;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Tests.Schedules;

public sealed class DueTimeTests
{
    private static readonly TimeZoneInfo Berlin = TimeZones.Find("Europe/Berlin");

    [TestCaseSource(typeof(DueTimeTable), nameof(DueTimeTable.Cases))]
    public void The_next_three_due_times_are(string expression, string zone, DateTimeOffset after,
        DateTimeOffset[] expected)
    {
        var cron = CronExpression.Parse(expression, "nightly-report");
        var clock = TimeZones.Find(zone);

        var found = new List<DateTimeOffset>();
        for (var due = after; found.Count < expected.Length;)
        {
            due = cron.Next(due, clock)!.Value;
            Assert.That(due.Offset, Is.EqualTo(TimeSpan.Zero));
            found.Add(TimeZoneInfo.ConvertTime(due, clock));
        }

        Assert.That(found.Select(Exactly), Is.EqualTo(expected.Select(Exactly)));
    }

    [Test]
    public void The_table_has_more_than_three_hundred_lines() =>
        Assert.That(DueTimeTable.Cases().Count(), Is.GreaterThan(300));

    [Test]
    public void Any_offset_of_the_same_instant_gives_the_same_due_time()
    {
        var cron = CronExpression.Parse("30 10 * * *", "x");
        var after = new DateTimeOffset(2024, 5, 5, 12, 30, 0, TimeSpan.FromHours(2));

        Assert.That(cron.Next(after, Berlin), Is.EqualTo(cron.Next(after.ToUniversalTime(), Berlin)));
    }

    [Test]
    public void Nothing_is_due_after_the_end_of_the_calendar()
    {
        var cron = CronExpression.Parse("0 12 * * *", "x");
        var newYork = TimeZones.Find("America/New_York");
        var lastNoon = new DateTimeOffset(9999, 12, 31, 12, 0, 0, TimeSpan.Zero);

        Assert.Multiple(() =>
        {
            Assert.That(cron.Next(lastNoon.AddSeconds(-1), TimeZoneInfo.Utc), Is.EqualTo(lastNoon));
            Assert.That(cron.Next(lastNoon, TimeZoneInfo.Utc), Is.Null);
            Assert.That(cron.Next(DateTimeOffset.MaxValue, Berlin), Is.Null);
            Assert.That(CronExpression.Parse("0 0 29 2 *", "x").Next(lastNoon.AddYears(-1), Berlin), Is.Null);
            Assert.That(CronExpression.Parse("* * * * *", "x").Next(DateTimeOffset.MaxValue, newYork), Is.Null);
        });
    }

    [TestCase("UTC")]
    [TestCase("Asia/Tokyo")]
    [TestCase("America/New_York")]
    public void The_first_day_of_the_calendar_is_no_obstacle(string zone)
    {
        var due = CronExpression.Parse("0 12 * * *", "x").Next(DateTimeOffset.MinValue, TimeZones.Find(zone));

        Assert.That(due, Is.LessThan(DateTimeOffset.MinValue.AddDays(1)));
    }

    [Test]
    public void Looking_for_a_due_time_allocates_nothing()
    {
        CronExpression[] crons = [CronExpression.Parse("*/5 * * * *", "x"), CronExpression.Parse("30 2 29 2 *", "x"),
            CronExpression.Parse("0 9 15W,LW * FRI#2", "x")];
        var due = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
        foreach (var cron in crons)
            cron.Next(due, Berlin);

        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var cron in crons)
        {
            for (var i = 0; i < 100; i++)
                due = cron.Next(due, Berlin)!.Value;
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void A_hash_key_spreads_jobs_over_the_hour()
    {
        var start = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(-1);
        var minutes = Enumerable.Range(0, 600)
            .Select(n => CronExpression.Parse("H * * * *", $"job-{n}").Next(start, TimeZoneInfo.Utc)!.Value.Minute)
            .GroupBy(minute => minute)
            .ToList();

        Assert.That(minutes, Has.Count.EqualTo(60));
        Assert.That(minutes.Select(group => group.Count()), Is.All.LessThan(30));
    }

    private static string Exactly(DateTimeOffset time) =>
        time.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);
}
