using System.Globalization;

namespace JobPlatform.Core.Tests.Schedules;

/// <summary>
/// Reads an expression the slow way: for each reading of the clock, does it match the text? Numbers, ranges, steps,
/// lists, L, W and # only; no names, no H. Shares nothing with the product's parser and evaluator on purpose.
/// </summary>
internal sealed class NaiveCron
{
    private readonly string[] _fields;
    private readonly bool[] _seconds;
    private readonly bool[] _minutes;
    private readonly bool[] _hours;

    public NaiveCron(string expression)
    {
        _fields = expression.Split(' ').Length == 5 ? ["0", .. expression.Split(' ')] : expression.Split(' ');
        _seconds = [.. Enumerable.Range(0, 60).Select(second => Any(0, second, 0, 59))];
        _minutes = [.. Enumerable.Range(0, 60).Select(minute => Any(1, minute, 0, 59))];
        _hours = [.. Enumerable.Range(0, 24).Select(hour => Any(2, hour, 0, 23))];
    }

    public bool Matches(DateTime reading)
    {
        if (!_seconds[reading.Second] || !_minutes[reading.Minute] || !_hours[reading.Hour]
            || !Any(4, reading.Month, 1, 12))
            return false;
        var date = _fields[3].Split(',').Any(item => DateMatches(item, reading));
        var weekday = _fields[5].Split(',').Any(item => WeekdayMatches(item, reading));
        return _fields[3][0] == '*' || _fields[5][0] == '*' ? date && weekday : date || weekday;
    }

    /// <summary>Due times by walking: each step of real time, and each clock reading that it passes.</summary>
    /// <param name="changeSize">How far the zone's clock is set forward and back.</param>
    public List<DateTimeOffset> Walk(DateTimeOffset after, DateTimeOffset until, TimeSpan step, TimeZoneInfo zone,
        TimeSpan changeSize)
    {
        var keepsPace = _hours.All(included => included) && LongestPause(step) <= changeSize;
        var found = new List<DateTimeOffset>();
        var highest = DateTime.MaxValue;
        for (var now = after.AddHours(-30); now <= until; now += step)
        {
            var reading = TimeZoneInfo.ConvertTime(now, zone).DateTime;
            var isDue = false;
            highest = highest == DateTime.MaxValue ? reading : highest;
            if (keepsPace)
                isDue = Matches(reading);
            for (; highest < reading; highest += step)
                isDue |= !keepsPace && Matches(highest + step);
            if (isDue && now > after)
                found.Add(now);
        }

        return found;
    }

    private TimeSpan LongestPause(TimeSpan step)
    {
        var (longest, pause) = (TimeSpan.Zero, TimeSpan.Zero);
        for (var time = TimeSpan.Zero; time < TimeSpan.FromHours(2); time += step)
        {
            pause = _seconds[time.Seconds] && _minutes[time.Minutes] ? TimeSpan.Zero : pause + step;
            longest = pause > longest ? pause : longest;
        }

        return longest + step;
    }

    private bool Any(int field, int value, int min, int max) =>
        _fields[field].Split(',').Any(item => Includes(item, value, min, max));

    private static bool Includes(string item, int value, int min, int max)
    {
        var parts = item.Split('/');
        var step = parts.Length == 2 ? Number(parts[1]) : 1;
        if (parts[0] == "*")
            return (value - min) % step == 0;
        var ends = parts[0].Split('-').Select(Number).ToArray();
        if (ends.Length == 1)
            return parts.Length == 1 ? value == ends[0] : value >= ends[0] && (value - ends[0]) % step == 0;
        var count = max - min + 1;
        var distance = (value - ends[0] + count) % count;
        return distance <= (ends[1] - ends[0] + count) % count && distance % step == 0;
    }

    private static bool DateMatches(string item, DateTime day)
    {
        var last = DateTime.DaysInMonth(day.Year, day.Month);
        if (item == "L" || item.StartsWith("L-", StringComparison.Ordinal))
            return day.Day == last - (item == "L" ? 0 : Number(item[2..]));
        if (!item.EndsWith('W'))
            return Includes(item, day.Day, 1, 31);
        var wanted = item == "LW" ? last : Number(item[..^1]);
        if (wanted > last)
            return false;
        // Never two at the same distance: a weekend has two days.
        var nearest = Enumerable.Range(1, last)
            .Where(candidate => (int)new DateTime(day.Year, day.Month, candidate).DayOfWeek is >= 1 and <= 5)
            .MinBy(candidate => Math.Abs(candidate - wanted));
        return day.Day == nearest;
    }

    private static bool WeekdayMatches(string item, DateTime day)
    {
        var weekday = (int)day.DayOfWeek;
        if (item.EndsWith('L'))
            return weekday == Number(item[..^1]) % 7 && day.AddDays(7).Month != day.Month;
        if (item.Split('#') is [var name, var nth])
            return weekday == Number(name) % 7 && (day.Day + 6) / 7 == Number(nth);
        return Includes(item, weekday, 0, 6) || weekday == 0 && item == "7";
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
