using System.Diagnostics.CodeAnalysis;

namespace JobPlatform.Core.Schedules;

/// <summary>A cron expression: when a job is due. Immutable and safe to share between threads.</summary>
/// <remarks>
/// <para><b>Fields.</b> <c>minute hour day-of-month month day-of-week</c>, or six with the <c>second</c> first. Each is
/// <c>*</c>, a value, a name (<c>JAN</c>, <c>SUN</c>; case does not matter), a range, a list (<c>,</c>) or a step:
/// <c>*/15</c>, <c>10-50/20</c>, and <c>5/15</c>, which means 5 to the end. A range that ends before it begins wraps
/// around: <c>22-2</c>, <c>FRI-MON</c>. 0 and 7 are Sunday. <c>?</c> in a day field is <c>*</c>.</para>
/// <para><b>Days.</b> Day-of-month also takes <c>L</c> (last), <c>L-3</c> (three days before the last), <c>15W</c> (the
/// Monday to Friday nearest to the 15th, within the month) and <c>LW</c>; day-of-week <c>FRIL</c> or <c>5L</c> (last
/// Friday) and <c>FRI#2</c> or <c>5#2</c> (second Friday). When both day fields are restricted one of them suffices;
/// a field that begins with <c>*</c>, also <c>*/2</c>, is unrestricted, and then both must match.</para>
/// <para><b>Jitter.</b> <c>H</c> is one value chosen by the hash key, <c>H/15</c> a step from a chosen start,
/// <c>H(0-29)</c> and <c>H(0-29)/10</c> the same within a range; in day-of-month <c>H</c> alone stays within 1 to 28. A
/// key gives the same values in every process and version, and different ones in each field.</para>
/// <para><b>Macros.</b> <c>@yearly</c>, <c>@annually</c>, <c>@monthly</c>, <c>@weekly</c>, <c>@daily</c>,
/// <c>@midnight</c>, <c>@hourly</c>: on the stroke, without jitter.</para>
/// <para><b>Clock changes.</b> An expression counts clock times: each is due once. One that the clock skips is due at
/// the end of the gap (02:30 at 03:00 on the night that summer time begins in Berlin; several in one gap are due
/// together, once), one that the clock repeats is due in the first pass. An expression that is due in every hour of the
/// day counts real time instead: <c>0 * * * *</c> and <c>*/15 * * * *</c> keep their pace through gap and repeat, as
/// long as they never pause for longer than the clock change (Lord Howe changes by 30 minutes: there <c>*/15</c> keeps
/// its pace, and <c>0 * * * *</c> is due once in each hour of the clock). Paces above an hour are clock times:
/// <c>0 */12 * * *</c> is due twice on every day, also where midnight is skipped or repeated.</para>
/// </remarks>
public sealed class CronExpression
{
    private readonly string _text;
    private readonly CronCalendar _calendar;

    private CronExpression(string text, CronCalendar calendar)
    {
        _text = text;
        _calendar = calendar;
    }

    /// <summary>Reads an expression, of at most 500 characters.</summary>
    /// <param name="expression">The expression; blanks around it and between its fields do not count.</param>
    /// <param name="hashKey">What <c>H</c> is chosen by: the job's name.</param>
    /// <exception cref="FormatException">One sentence that names the field, the value and the remedy.</exception>
    public static CronExpression Parse(string expression, string hashKey) =>
        TryParse(expression, hashKey, out var cron, out var error) ? cron : throw new FormatException(error);

    /// <summary>Reads an expression as <see cref="Parse"/> does, or says in one sentence what is wrong.</summary>
    public static bool TryParse(string? expression, string hashKey,
        [NotNullWhen(true)] out CronExpression? cron, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(hashKey);
        var text = (expression ?? "").Trim();
        error = CronParser.Parse(text, hashKey, out var calendar);
        cron = calendar is null ? null : new CronExpression(text, calendar);
        return cron is not null;
    }

    /// <summary>The first due time strictly after <paramref name="after"/>, in UTC, on a whole second.</summary>
    /// <returns>Null when the calendar ends (year 9999) before the expression is due again.</returns>
    public DateTimeOffset? Next(DateTimeOffset after, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        var due = DueTimes.Next(_calendar, new ZoneClock(zone), after.UtcTicks / TimeSpan.TicksPerSecond);
        return due < 0 || due > DateTimeOffset.MaxValue.UtcTicks / TimeSpan.TicksPerSecond
            ? null
            : new DateTimeOffset(due * TimeSpan.TicksPerSecond, TimeSpan.Zero);
    }

    /// <summary>False where it cannot be due in a minute, given by its start, so that <see cref="Next"/> need not be asked, which takes far longer.</summary>
    internal bool MayBeDueIn(DateTimeOffset minute, TimeZoneInfo zone) =>
        // A clock that changes may put a due time off.
        zone.SupportsDaylightSavingTime || zone.BaseUtcOffset != TimeSpan.Zero
        || ((_calendar.Hours >> minute.UtcDateTime.Hour & 1) != 0 && (_calendar.Minutes >> minute.UtcDateTime.Minute & 1) != 0);

    /// <summary>The next <paramref name="count"/> due times after <paramref name="after"/>, in UTC; fewer where the calendar ends.</summary>
    public IReadOnlyList<DateTimeOffset> Following(DateTimeOffset after, TimeZoneInfo zone, int count)
    {
        var following = new List<DateTimeOffset>(count);
        for (var due = Next(after, zone); due is { } at && following.Count < count; due = Next(at, zone)) following.Add(at);
        return following;
    }

    /// <summary>The latest due times up to <paramref name="until"/>, newest first, in UTC.</summary>
    /// <param name="since">None earlier than this is looked for.</param>
    /// <param name="until">The end, included.</param>
    /// <param name="zone">The zone whose clock the expression is read on.</param>
    /// <param name="count">The most that are returned.</param>
    public IReadOnlyList<DateTimeOffset> Latest(DateTimeOffset since, DateTimeOffset until, TimeZoneInfo zone, int count)
    {
        var tick = TimeSpan.FromTicks(1);
        if (Next(since - tick, zone) is not { } first || first > until) return [];
        var latest = new DueSeries(this, zone, first).LatestBefore(until + tick, since, count);
        latest.Reverse();
        return latest;
    }

    /// <summary>How a due time, as <see cref="Next"/> gives it, stands to a change of the zone's clock.</summary>
    public ClockChange FindClockChange(DateTimeOffset due, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        return DueTimes.FindChange(_calendar, new ZoneClock(zone), due.UtcTicks / TimeSpan.TicksPerSecond);
    }

    /// <summary>The expression in plain English, times as its zone's clock shows them: "at 02:30 every day".</summary>
    public string Describe() => CronDescription.Of(_calendar);

    /// <summary>The expression as it was written, without blanks around it.</summary>
    public override string ToString() => _text;
}
