using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Tests.Schedules;

public sealed class ClockChangeTests
{
    private static readonly TimeZoneInfo Berlin = TimeZones.Find("Europe/Berlin");

    [TestCase("30 2 * * *", "2026-03-28T12:00Z", "2026-03-29T01:00Z", ClockChange.Gap)]
    [TestCase("0 3 * * *", "2026-03-28T12:00Z", "2026-03-29T01:00Z", ClockChange.None)]
    [TestCase("*/15 * * * *", "2026-03-29T00:50Z", "2026-03-29T01:00Z", ClockChange.None)]
    [TestCase("30 2 * * *", "2026-10-24T12:00Z", "2026-10-25T00:30Z", ClockChange.FirstPass)]
    [TestCase("0 3 * * *", "2026-10-24T12:00Z", "2026-10-25T02:00Z", ClockChange.None)]
    [TestCase("59 1 * * *", "2026-10-24T12:00Z", "2026-10-24T23:59Z", ClockChange.None)]
    [TestCase("0 * * * *", "2026-10-25T00:30Z", "2026-10-25T01:00Z", ClockChange.SecondPass)]
    public void A_due_time_tells_whether_the_clock_skips_or_repeats_it(string expression, string after, string due, ClockChange expected)
    {
        var cron = CronExpression.Parse(expression, "x");
        var next = cron.Next(DateTimeOffset.Parse(after, null), Berlin)!.Value;

        Assert.That(next, Is.EqualTo(DateTimeOffset.Parse(due, null)));
        Assert.That(cron.FindClockChange(next, Berlin), Is.EqualTo(expected));
    }

    [Test]
    public void The_latest_due_times_come_newest_first_and_keep_within_their_bounds()
    {
        var cron = CronExpression.Parse("0 2 * * *", "x");
        var noon = new DateTimeOffset(2026, 3, 5, 12, 0, 0, TimeSpan.Zero);
        var two = new DateTimeOffset(2026, 3, 5, 2, 0, 0, TimeSpan.Zero);

        Assert.Multiple(() =>
        {
            Assert.That(cron.Latest(noon.AddDays(-30), noon, TimeZoneInfo.Utc, 2), Is.EqualTo(new[] { two, two.AddDays(-1) }));
            Assert.That(cron.Latest(two.AddDays(-1), two, TimeZoneInfo.Utc, 9), Is.EqualTo(new[] { two, two.AddDays(-1) }));
            Assert.That(cron.Latest(two.AddTicks(1), noon, TimeZoneInfo.Utc, 9), Is.Empty);
        });
    }
}
