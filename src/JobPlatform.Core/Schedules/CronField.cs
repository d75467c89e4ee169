using System.Collections.Immutable;

namespace JobPlatform.Core.Schedules;

/// <summary>One of the six positions of a cron expression: its name in errors, and its values.</summary>
internal sealed class CronField(string name, int min, int max, ImmutableArray<string> names)
{
    public static readonly CronField Second = new("second", 0, 59, []);
    public static readonly CronField Minute = new("minute", 0, 59, []);
    public static readonly CronField Hour = new("hour", 0, 23, []);
    public static readonly CronField DayOfMonth = new("day-of-month", 1, 31, []);

    public static readonly CronField Month = new("month", 1, 12,
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]);

    public static readonly CronField DayOfWeek = new("day-of-week", 0, 6,
        ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]);

    /// <summary>The name used in error sentences.</summary>
    public string Name => name;

    public int Min => min;

    /// <summary>The highest value; 6 for day-of-week, where 7 is read as 0.</summary>
    public int Max => max;

    /// <summary>Three-letter names of the values from <see cref="Min"/> on; empty when there are none.</summary>
    public ImmutableArray<string> Names => names;

    public bool IsDay => this == DayOfMonth || this == DayOfWeek;

    /// <summary>How many values there are, which is also where a range that wraps around starts again.</summary>
    public int Count => Max - Min + 1;

    /// <summary>The values as a remedy ends: "0 to 59", "1 to 12 or JAN to DEC".</summary>
    public string Range =>
        this == DayOfWeek ? "0 to 7 (0 and 7 are Sunday) or SUN to SAT"
        : Names.IsEmpty ? $"{Min} to {Max}"
        : $"{Min} to {Max} or {Names[0]} to {Names[^1]}";
}
