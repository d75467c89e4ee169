namespace JobPlatform.Core.Schedules;

/// <summary>
/// The wall clock of a time zone, in seconds since 0001-01-01. It asks the zone for offsets only: TimeZoneInfo's own
/// questions about invalid and ambiguous times allocate, and do not know whole-day changes.
/// </summary>
internal readonly struct ZoneClock(TimeZoneInfo zone)
{
    // Offsets lie between -14 h and +14 h, so that each reading is shown within this distance of the same time in UTC.
    private const long WidestOffset = 15 * 3600;

    private static readonly long LastSecond = DateTime.MaxValue.Ticks / TimeSpan.TicksPerSecond;

    /// <summary>What the clock is ahead of UTC, in seconds.</summary>
    public long Offset(long utc)
    {
        var instant = new DateTime(Math.Clamp(utc, 0, LastSecond) * TimeSpan.TicksPerSecond, DateTimeKind.Utc);
        return zone.GetUtcOffset(instant).Ticks / TimeSpan.TicksPerSecond;
    }

    /// <summary>
    /// The first second with the offset that <paramref name="to"/> has, when <paramref name="from"/> has another one.
    /// Meant for spans of a day or so, in which there is one change at most: no zone since 1939 had two within 3 days.
    /// </summary>
    public long ChangeBetween(long from, long to)
    {
        var offset = Offset(from);
        while (to - from > 1)
        {
            var middle = from + (to - from) / 2;
            if (Offset(middle) == offset)
                from = middle;
            else
                to = middle;
        }

        return to;
    }

    /// <summary>The first instant at which the clock shows <paramref name="reading"/> or, skipping it, more.</summary>
    public long FirstShowing(long reading)
    {
        var (early, late) = (reading - WidestOffset, reading + WidestOffset);
        var (before, after) = (Offset(early), Offset(late));
        if (before == after)
            return reading - before;
        var change = ChangeBetween(early, late);
        return reading - before < change ? reading - before : Math.Max(change, reading - after);
    }
}
