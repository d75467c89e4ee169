using System.Globalization;
using System.Numerics;

namespace JobPlatform.Core.Schedules;

/// <summary>
/// Reads an expression out in English. It reads what was understood, not what was written: <c>H/15</c> comes out with
/// the minutes that were chosen, and a typing error shows.
/// </summary>
internal static class CronDescription
{
    // More clock times than this are not listed but described by hour and minute.
    private const int MostTimes = 6;

    private const ulong EveryHour = (1UL << 24) - 1;
    private const ulong EveryMinute = (1UL << 60) - 1;

    public static string Of(CronCalendar calendar)
    {
        var (time, isInstant) = Time(calendar);
        var days = Days(calendar.Days, calendar.Months);
        return days.Length > 0 ? $"{time} {days}" : isInstant ? $"{time} every day" : time;
    }

    /// <summary>The time of day, and whether it is a list of clock times, which reads badly without a day.</summary>
    private static (string Text, bool IsInstant) Time(CronCalendar calendar)
    {
        var (seconds, minutes, hours) = (calendar.Seconds, calendar.Minutes, calendar.Hours);
        var times = BitOperations.PopCount(hours) * BitOperations.PopCount(minutes);
        if (times <= MostTimes && BitOperations.PopCount(seconds) == 1)
            return ("at " + List(ClockTimes(calendar)), true);
        if (seconds != 1)
        {
            var inMinutes = minutes == EveryMinute ? "" : "in " + Named("minute", minutes);
            var second = Pace(seconds, 60, "second") ?? "at " + Named("second", seconds);
            return (Words(second, inMinutes, Hours(hours)), false);
        }

        if (BitOperations.PopCount(minutes) > 1)
            return (Words(Pace(minutes, 60, "minute") ?? "at " + Named("minute", minutes), Hours(hours)), false);

        var onTheHour = minutes == 1;
        var atMinute = "at " + Named("minute", minutes);
        if (hours == EveryHour)
            return (onTheHour ? "every hour" : $"{atMinute} of every hour", false);
        if (Pace(hours, 24, "hour") is { } pace)
            return (Words(pace, onTheHour ? "" : atMinute), false);
        return (Words(onTheHour && Span(hours) is not null ? "every hour" : atMinute, Hours(hours)), false);
    }

    private static string Hours(ulong hours) =>
        hours == EveryHour ? "" : Span(hours) ?? "in " + Named("hour", hours);

    private static IEnumerable<string> ClockTimes(CronCalendar calendar)
    {
        var second = BitOperations.TrailingZeroCount(calendar.Seconds);
        return from hour in Bits(calendar.Hours)
            from minute in Bits(calendar.Minutes)
            select second == 0 ? $"{hour:00}:{minute:00}" : $"{hour:00}:{minute:00}:{second:00}";
    }

    /// <summary>"every 15 minutes", for values evenly spaced around the whole cycle; otherwise null.</summary>
    private static string? Pace(ulong bits, int cycle, string unit)
    {
        var count = BitOperations.PopCount(bits);
        if (count < 2 || cycle % count != 0)
            return null;
        var (first, step) = (BitOperations.TrailingZeroCount(bits), cycle / count);
        if (first >= step || Enumerable.Range(0, count).Any(n => (bits >> (first + n * step) & 1) == 0))
            return null;
        var pace = step == 1 ? $"every {unit}" : $"every {step} {unit}s";
        return first == 0 ? pace : $"{pace} from {unit} {first}";
    }

    /// <summary>"from 22:00 to 02:59", for hours without a hole between them; otherwise null.</summary>
    private static string? Span(ulong hours)
    {
        var starts = Bits(hours).Where(hour => (hours >> (hour + 23) % 24 & 1) == 0).ToList();
        if (starts is not [var start])
            return null;
        var end = (start + BitOperations.PopCount(hours) - 1) % 24;
        return $"from {start:00}:00 to {end:00}:59";
    }

    private static string Days(CronDays days, ulong months)
    {
        var isEveryMonth = BitOperations.PopCount(months) == 12;
        var ofMonth = isEveryMonth ? "of every month" : "of " + Months(months);
        var inMonth = isEveryMonth ? "" : "in " + Months(months);
        var dates = List(Dates(days.Dates));
        var weekdays = List(Weekdays(days.Weekdays));
        return (dates, weekdays) switch
        {
            ("", "") => inMonth,
            (_, "") => $"on {dates} {ofMonth}",
            ("", _) => Words($"on {weekdays}", inMonth),
            _ when days.EitherSuffices => Words($"on {dates} {ofMonth} and on {weekdays}", inMonth),
            _ => $"on {weekdays}, limited to {dates} {ofMonth}",
        };
    }

    private static IEnumerable<string> Dates(CronSelection dates)
    {
        if (BitOperations.PopCount(dates.Values) is > 0 and < 31)
            yield return Named("day", dates.Values);
        foreach (var before in Bits(dates.DaysBeforeLast))
        {
            yield return before switch
            {
                0 => "the last day",
                1 => "the day before the last",
                _ => $"the day {before} days before the last",
            };
        }

        foreach (var day in Bits(dates.NearestWorkdays))
            yield return $"the working day nearest to day {day}";
        if (dates.LastWorkday)
            yield return "the last working day";
    }

    private static IEnumerable<string> Weekdays(CronSelection weekdays)
    {
        if (weekdays.Values == 0b0111110)
            yield return "Monday to Friday";
        else if (BitOperations.PopCount(weekdays.Values) is > 0 and < 7)
            yield return List(Bits(weekdays.Values).Select(Weekday));
        foreach (var day in Bits(weekdays.LastWeekdays))
            yield return $"the last {Weekday(day)} of the month";
        string[] ordinals = ["first", "second", "third", "fourth", "fifth"];
        foreach (var bit in Bits(weekdays.NthWeekdays))
            yield return $"the {ordinals[bit / 7]} {Weekday(bit % 7)} of the month";
    }

    private static string Weekday(int day) => CultureInfo.InvariantCulture.DateTimeFormat.DayNames[day];

    private static string Months(ulong months) =>
        List(Bits(months).Select(CultureInfo.InvariantCulture.DateTimeFormat.GetMonthName));

    /// <summary>"minute 5", "minutes 5, 10 to 20 and 40".</summary>
    private static string Named(string unit, ulong bits)
    {
        var runs = new List<string>();
        foreach (var first in Bits(bits & ~(bits << 1)))
        {
            var last = first + BitOperations.TrailingZeroCount(~(bits >> first)) - 1;
            if (last - first >= 2)
                runs.Add($"{first} to {last}");
            else
                runs.AddRange(Enumerable.Range(first, last - first + 1).Select(value => $"{value}"));
        }

        return $"{unit}{(BitOperations.PopCount(bits) == 1 ? "" : "s")} {List(runs)}";
    }

    private static string Words(params string[] words) => string.Join(' ', words.Where(word => word.Length > 0));

    private static string List(IEnumerable<string> items) => items.ToList() switch
    {
        [] => "",
        [var only] => only,
        [.. var others, var last] => $"{string.Join(", ", others)} and {last}",
    };

    private static IEnumerable<int> Bits(ulong bits)
    {
        for (var left = bits; left != 0; left &= left - 1)
            yield return BitOperations.TrailingZeroCount(left);
    }
}
