namespace JobPlatform.Core.Schedules;

/// <summary>Where the readings that an expression selects meet a clock that is set forward and back.</summary>
/// <remarks>
/// Two policies, chosen for each clock change by <see cref="CronCalendar.KeepsPaceThrough"/>:
/// <list type="bullet">
/// <item>Clock times: each selected reading is due once, at the first instant at which the clock shows it or a later
/// one. Readings in a gap are thereby due together at its end, and those of a repeat in the first pass.</item>
/// <item>Pace: due whenever the clock shows a selected reading, so a gap drops some and a repeat has them twice.</item>
/// </list>
/// </remarks>
internal static class DueTimes
{
    // Longer than any clock change (the largest are the 24 hours of a zone that moves across the date line): no reading
    // from before this span can come back after it. Far shorter than the distance between two changes.
    private const long Window = 25 * 3600;

    /// <summary>The first due second after <paramref name="after"/>, both in UTC; -1 when there is none.</summary>
    public static long Next(CronCalendar calendar, ZoneClock clock, long after)
    {
        var (at, offset) = (after, clock.Offset(after));
        var from = Math.Max(FirstUnhandledReading(calendar, clock, after, offset), 0);
        while (true)
        {
            var reading = calendar.Next(from);
            if (reading < 0)
                return -1;

            var due = reading - offset;
            var horizon = Math.Min(due, at + Window);
            if (clock.Offset(horizon) != offset)
            {
                at = clock.ChangeBetween(at, horizon);
                var change = clock.Offset(at) - offset;
                var keepsPace = calendar.KeepsPaceThrough(change);
                if (change > 0 && !keepsPace && reading < at + offset + change)
                    return at;
                // The first reading that is new: after the gap, or, where clock times count, after the repeat.
                from = Math.Max(at + offset + change, keepsPace ? 0 : Math.Max(from, at + offset));
                offset += change;
                continue;
            }

            if (due == horizon)
                return due;

            // Days away: no change in between can bring back a selected reading, only the last one may skip it.
            at = clock.FirstShowing(reading);
            offset = clock.Offset(at);
            if (at + offset == reading || !calendar.KeepsPaceThrough(offset - clock.Offset(at - 1)))
                return at;
            from = at + offset;
        }
    }

    /// <summary>How a due second, in UTC, stands to a change of the clock.</summary>
    public static ClockChange FindChange(CronCalendar calendar, ZoneClock clock, long due)
    {
        var offset = clock.Offset(due);
        var reading = due + offset;
        if (clock.Offset(due - 1) < offset && calendar.Next(reading) != reading) return ClockChange.Gap;
        if (IsShownAgain(clock.Offset(due + Window))) return ClockChange.FirstPass;
        return IsShownAgain(clock.Offset(due - Window)) ? ClockChange.SecondPass : ClockChange.None;

        bool IsShownAgain(long other) => other != offset && clock.Offset(reading - other) == other;
    }

    /// <summary>The reading after <paramref name="after"/>; in the second pass of a repeat, where clock times count,
    /// the first reading that the first pass did not have.</summary>
    private static long FirstUnhandledReading(CronCalendar calendar, ZoneClock clock, long after, long offset)
    {
        var reading = after + offset + 1;
        var earlier = clock.Offset(after - Window);
        if (earlier <= offset || calendar.KeepsPaceThrough(earlier - offset))
            return reading;
        return Math.Max(reading, clock.ChangeBetween(after - Window, after) + earlier);
    }
}
