using FsCheck.Fluent;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Tests.Schedules;

public sealed class CronPropertyTests
{
    private static readonly DateTimeOffset Start = new(2023, 12, 1, 0, 0, 0, TimeSpan.Zero);

    // Zone, an hour or so before its clock changes (UTC), and by how many minutes it changes.
    private static readonly (string Zone, DateTime Before, int Minutes)[] Changes =
    [
        ("Europe/Berlin", new(2024, 3, 31, 0, 0, 0), 60),
        ("Europe/Berlin", new(2024, 10, 27, 0, 0, 0), 60),
        ("America/New_York", new(2024, 3, 10, 6, 0, 0), 60),
        ("America/New_York", new(2024, 11, 3, 5, 0, 0), 60),
        ("Australia/Lord_Howe", new(2024, 4, 6, 14, 0, 0), 30),
        ("Australia/Lord_Howe", new(2024, 10, 5, 15, 0, 0), 30),
        ("Pacific/Apia", new(2011, 12, 30, 9, 0, 0), 24 * 60),
        ("America/Sao_Paulo", new(2018, 11, 4, 2, 0, 0), 60),
        ("America/Sao_Paulo", new(2018, 2, 18, 1, 0, 0), 60),
        ("Africa/Cairo", new(2024, 4, 25, 21, 0, 0), 60),
        ("Asia/Beirut", new(2024, 10, 26, 20, 0, 0), 60),
        ("America/Havana", new(2024, 11, 3, 4, 0, 0), 60),
        ("Antarctica/Troll", new(2024, 3, 31, 0, 0, 0), 120),
        ("Antarctica/Troll", new(2024, 10, 27, 0, 0, 0), 120),
        ("America/Caracas", new(2016, 5, 1, 6, 0, 0), 30),
        ("America/Caracas", new(2007, 12, 9, 6, 0, 0), 30),
        ("Pacific/Kwajalein", new(1993, 8, 21, 11, 0, 0), 24 * 60),
    ];

    [Test]
    public void Around_a_clock_change_the_due_times_are_those_of_a_minute_by_minute_reading()
    {
        var samples =
            from expression in CronGen.FiveFields()
            from change in Gen.Elements(Changes)
            from minutes in Gen.OneOf(Gen.Choose(-40 * 60, 0), Gen.Choose(0, 4 * 60))
            select (expression, change, minutes);

        CronGen.Check(samples, 300, sample =>
        {
            var (expression, change, minutes) = sample;
            if (!CronExpression.TryParse(expression, "x", out var cron, out var error))
            {
                Assert.That(error, Does.EndWith("never occurs: choose a day that exists in that month"));
                return;
            }

            var zone = TimeZones.Find(change.Zone);
            var after = new DateTimeOffset(change.Before, TimeSpan.Zero).AddMinutes(minutes);
            var until = new DateTimeOffset(change.Before, TimeSpan.Zero).AddHours(30);
            var expected = new NaiveCron(expression)
                .Walk(after, until, TimeSpan.FromMinutes(1), zone, TimeSpan.FromMinutes(change.Minutes));

            Assert.That(Walk(cron, after, until, zone), Is.EqualTo(expected));
        });
    }

    [Test]
    public void With_seconds_the_due_times_are_those_of_a_second_by_second_reading()
    {
        var samples =
            from second in CronGen.Field(0, 59, true)
            from minute in CronGen.Field(0, 59, true)
            from hour in CronGen.Field(0, 23, true)
            from after in CronGen.Instant(Start, TimeSpan.FromDays(30))
            select ($"{second} {minute} {hour} * * *", after);

        CronGen.Check(samples, 60, sample =>
        {
            var (expression, after) = sample;
            var until = after.AddHours(3);
            var naive = new NaiveCron(expression);
            var expected = Enumerable.Range(1, 3 * 3600).Select(second => after.AddSeconds(second))
                .Where(time => naive.Matches(time.DateTime));

            var cron = CronExpression.Parse(expression, "x");
            Assert.That(Walk(cron, after, until, TimeZoneInfo.Utc), Is.EqualTo(expected));
        });
    }

    [Test]
    public void Days_are_those_of_a_day_by_day_reading_of_a_year()
    {
        var samples =
            from date in CronGen.Dates()
            from month in CronGen.Field(1, 12, true)
            from weekday in CronGen.Weekdays()
            from after in CronGen.Instant(new(1996, 1, 1, 0, 0, 0, default), TimeSpan.FromDays(20_000))
            select ($"0 0 {date} {month} {weekday}", after);

        CronGen.Check(samples, 500, sample =>
        {
            var (expression, after) = sample;
            if (!CronExpression.TryParse(expression, "x", out var cron, out _))
                return;
            var naive = new NaiveCron(expression);
            var expected = Enumerable.Range(1, 365).Select(day => after.Date.AddDays(day)).Where(naive.Matches)
                .Select(day => new DateTimeOffset(day, TimeSpan.Zero));

            var until = new DateTimeOffset(after.Date.AddDays(365), TimeSpan.Zero);
            Assert.That(Walk(cron, after, until, TimeZoneInfo.Utc), Is.EqualTo(expected));
        });
    }

    [Test]
    public void What_never_occurs_is_refused_and_nothing_else()
    {
        var samples =
            from date in CronGen.Dates()
            from month in CronGen.Field(1, 12, true)
            from weekday in CronGen.Weekdays()
            select $"0 0 {date} {month} {weekday}";

        CronGen.Check(samples, 300, expression =>
        {
            // Within 40 years each date falls on each weekday, leap days too, as long as no century interferes.
            var naive = new NaiveCron(expression);
            var occurs = Enumerable.Range(0, 41 * 366).Any(day => naive.Matches(new DateTime(2000, 1, 1).AddDays(day)));

            Assert.That(CronExpression.TryParse(expression, "x", out _, out _), Is.EqualTo(occurs));
        });
    }

    [Test]
    public void Due_times_in_UTC_are_those_of_Quartz()
    {
        // Left out are day fields on which the two disagree beside another restricted one: Quartz does not know Vixie
        // cron's star rule for */2, and takes a field that lists every day for a star.
        var dates = CronGen.Field(1, 31, false).Where(text => IsRestricted($"0 0 {text} * *"));
        var weekdays = CronGen.Field(0, 6, false).Where(text => IsRestricted($"0 0 * * {text}"));
        var samples =
            from minute in CronGen.Field(0, 59, false)
            from hour in CronGen.Field(0, 23, false)
            from date in Gen.OneOf(Gen.Constant("*"), Gen.Constant("L"), dates)
            from month in Gen.OneOf(Gen.Constant("*"), CronGen.Field(1, 12, false))
            from weekday in Gen.OneOf(Gen.Constant("*"), weekdays)
            from after in CronGen.Instant(Start, TimeSpan.FromDays(4000))
            select ($"{minute} {hour} {date} {month} {weekday}", after);

        CronGen.Check(samples, 3000, sample =>
        {
            var (expression, after) = sample;
            if (!CronExpression.TryParse(expression, "x", out var cron, out _))
                return;
            var quartz = Quartz.CronExpression.Parse(expression, Quartz.CronFormat.Unix).WithTimeZone(TimeZoneInfo.Utc);
            var (ours, theirs) = (after, after);
            for (var i = 0; i < 4; i++)
            {
                ours = cron.Next(ours, TimeZoneInfo.Utc)!.Value;
                theirs = quartz.GetNextValidTimeAfter(theirs)!.Value;
                Assert.That(ours, Is.EqualTo(theirs), expression);
            }
        });
    }

    private static bool IsRestricted(string expression)
    {
        var naive = new NaiveCron(expression);
        return !expression.Contains("*/", StringComparison.Ordinal)
            && Enumerable.Range(0, 31).Any(day => !naive.Matches(new DateTime(2024, 1, 1).AddDays(day)));
    }

    private static List<DateTimeOffset> Walk(CronExpression cron, DateTimeOffset after, DateTimeOffset until,
        TimeZoneInfo zone)
    {
        var found = new List<DateTimeOffset>();
        for (var due = cron.Next(after, zone); due <= until; due = cron.Next(due.Value, zone))
            found.Add(due.Value);
        return found;
    }
}
