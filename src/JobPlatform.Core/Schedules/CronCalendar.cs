using System.Numerics;

namespace JobPlatform.Core.Schedules;

/// <summary>
/// The readings of a wall clock that an expression selects; time zones are not its business. Readings are counted in
/// seconds since 0001-01-01 00:00:00 of that clock. Immutable.
/// </summary>
internal sealed class CronCalendar
{
    public const long SecondsPerDay = 86_400;

    private const ulong EveryHour = (1UL << 24) - 1;

    // The Gregorian calendar repeats exactly, weekdays included, after 400 years: what did not come by then never does.
    private const int YearsOfCycle = 400;

    private readonly long _longestPause;

    public CronCalendar(ReadOnlySpan<CronSelection> fields)
    {
        Seconds = fields[0].Values;
        Minutes = fields[1].Values;
        Hours = fields[2].Values;
        Days = new CronDays(fields[3], fields[5]);
        Months = fields[4].Values;
        _longestPause = LongestPauseInAnHour();
    }

    public ulong Seconds { get; }

    public ulong Minutes { get; }

    public ulong Hours { get; }

    public CronDays Days { get; }

    public ulong Months { get; }

    public bool EverMatches() => Next(0) >= 0;

    /// <summary>
    /// Whether the expression is a pace for a clock change of this size in seconds: due in every hour, and never
    /// pausing for longer than the change. Such an expression counts real time; any other one counts clock times.
    /// </summary>
    public bool KeepsPaceThrough(long change) => Hours == EveryHour && _longestPause <= Math.Abs(change);

    /// <summary>The first selected reading at or after <paramref name="from"/>; -1 when there is none.</summary>
    public long Next(long from)
    {
        var day = (int)(from / SecondsPerDay);
        var found = NextDay(day);
        if (found == day)
        {
            var time = NextTime((int)(from % SecondsPerDay));
            if (time >= 0)
                return day * SecondsPerDay + time;
            found = NextDay(day + 1);
        }

        return found < 0 ? -1 : found * SecondsPerDay + NextTime(0);
    }

    /// <summary>The first selected second of the day at or after <paramref name="from"/>, or -1.</summary>
    private int NextTime(int from)
    {
        var (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        if ((Hours >> hour & 1) != 0)
        {
            if ((Minutes >> minute & 1) != 0 && FirstFrom(Seconds, second) is >= 0 and var laterSecond)
                return hour * 3600 + minute * 60 + laterSecond;
            if (FirstFrom(Minutes, minute + 1) is >= 0 and var laterMinute)
                return hour * 3600 + laterMinute * 60 + FirstFrom(Seconds, 0);
        }

        return FirstFrom(Hours, hour + 1) is >= 0 and var laterHour
            ? laterHour * 3600 + FirstFrom(Minutes, 0) * 60 + FirstFrom(Seconds, 0)
            : -1;
    }

    private int NextDay(int from)
    {
        if (from > DateOnly.MaxValue.DayNumber)
            return -1;
        var (year, month, day) = DateOnly.FromDayNumber(from);
        var lastYear = Math.Min(year + YearsOfCycle, DateOnly.MaxValue.Year);
        while (year <= lastYear)
        {
            if ((Months >> month & 1) != 0 && FirstFrom(Days.In(year, month), day) is >= 0 and var found)
                return new DateOnly(year, month, found).DayNumber;
            day = 1;
            if (++month > 12)
                (year, month) = (year + 1, 1);
        }

        return -1;
    }

    private static int FirstFrom(ulong bits, int from)
    {
        var left = bits & ulong.MaxValue << from;
        return left == 0 ? -1 : BitOperations.TrailingZeroCount(left);
    }

    private long LongestPauseInAnHour()
    {
        var first = FirstFrom(Minutes, 0) * 60 + FirstFrom(Seconds, 0);
        var (previous, longest) = (first, 0);
        for (var mark = first + 1; mark < 3600; mark++)
        {
            if ((Minutes >> mark / 60 & 1) == 0 || (Seconds >> mark % 60 & 1) == 0)
                continue;
            longest = Math.Max(longest, mark - previous);
            previous = mark;
        }

        return Math.Max(longest, first + 3600 - previous);
    }
}
