using System.Numerics;

namespace JobPlatform.Core.Schedules;

/// <summary>The days that the two day fields select together, a month at a time as a bit mask.</summary>
/// <remarks>
/// Unix cron's rule: when both fields are restricted a day needs to satisfy one of them (<c>0 0 13 * FRI</c>: every
/// 13th and every Friday). A field that begins with <c>*</c> counts as unrestricted even with a step, and then a day
/// needs to satisfy both (<c>0 0 */2 * MON</c>: Mondays with an odd date), as in Vixie cron.
/// </remarks>
internal sealed class CronDays(CronSelection dates, CronSelection weekdays)
{
    public CronSelection Dates => dates;

    public CronSelection Weekdays => weekdays;

    public bool EitherSuffices { get; } = !dates.IsStarred && !weekdays.IsStarred;

    /// <summary>Bit d is set when day d of the month is selected.</summary>
    public uint In(int year, int month)
    {
        var length = DateTime.DaysInMonth(year, month);
        var all = (uint)((1UL << (length + 1)) - 2);
        var first = (int)new DateOnly(year, month, 1).DayOfWeek;
        var byDate = ByDate(length, first);
        var byWeekday = ByWeekday(length, first);
        return (EitherSuffices ? byDate | byWeekday : byDate & byWeekday) & all;
    }

    private uint ByDate(int length, int first)
    {
        var days = (uint)dates.Values;
        for (var left = dates.DaysBeforeLast; left != 0; left &= left - 1)
        {
            var before = BitOperations.TrailingZeroCount(left);
            if (before < length)
                days |= 1u << (length - before);
        }

        // A day that the month lacks has no nearest workday, just as a plain 31 does not come in April.
        for (var left = dates.NearestWorkdays; left != 0; left &= left - 1)
        {
            var day = BitOperations.TrailingZeroCount(left);
            if (day <= length)
                days |= 1u << NearestWorkday(day, length, first);
        }

        return dates.LastWorkday ? days | 1u << NearestWorkday(length, length, first) : days;
    }

    private uint ByWeekday(int length, int first)
    {
        var days = Weekly((uint)weekdays.Values, first);
        if (weekdays.LastWeekdays != 0)
            days |= Weekly(weekdays.LastWeekdays, first) & (uint.MaxValue << (length - 6));
        for (var n = 0; n < 5 && weekdays.NthWeekdays >> (7 * n) != 0; n++)
            days |= Weekly((uint)(weekdays.NthWeekdays >> (7 * n)) & 0x7F, first) & (0xFEu << (7 * n));
        return days;
    }

    /// <summary>Repeats a mask of weekdays over a month that begins on weekday <paramref name="first"/>.</summary>
    private static uint Weekly(uint mask, int first)
    {
        var week = (mask >> first | mask << (7 - first)) & 0x7F;
        return (uint)(week * 0x1020_4081UL << 1);
    }

    private static int NearestWorkday(int day, int length, int first) => (DayOfWeek)((first + day - 1) % 7) switch
    {
        DayOfWeek.Saturday => day > 1 ? day - 1 : day + 2,
        DayOfWeek.Sunday => day < length ? day + 1 : day - 2,
        _ => day,
    };
}
