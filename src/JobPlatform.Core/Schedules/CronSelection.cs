namespace JobPlatform.Core.Schedules;

/// <summary>What the text of one field selects. The parser fills it; afterwards nobody writes to it.</summary>
internal sealed class CronSelection
{
    /// <summary>Bit n: the value n.</summary>
    public ulong Values { get; set; }

    /// <summary>Bit n: the day n days before the last of the month (<c>L</c> is bit 0, <c>L-3</c> bit 3).</summary>
    public uint DaysBeforeLast { get; set; }

    /// <summary>Bit n: the Monday to Friday nearest to day n of the month (<c>15W</c>).</summary>
    public uint NearestWorkdays { get; set; }

    /// <summary>The last Monday to Friday of the month (<c>LW</c>).</summary>
    public bool LastWorkday { get; set; }

    /// <summary>Bit w: the last such weekday of the month (<c>FRIL</c>).</summary>
    public uint LastWeekdays { get; set; }

    /// <summary>Bit 7 * (n - 1) + w: the n-th such weekday of the month (<c>FRI#2</c>).</summary>
    public ulong NthWeekdays { get; set; }

    /// <summary>The text begins with <c>*</c> (or is <c>?</c>), which decides how the two day fields combine.</summary>
    public bool IsStarred { get; set; }
}
