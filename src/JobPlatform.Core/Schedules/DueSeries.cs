namespace JobPlatform.Core.Schedules;

/// <summary>The due times of an expression from one of them on. Immutable.</summary>
internal readonly record struct DueSeries(CronExpression Cron, TimeZoneInfo Zone, DateTimeOffset First)
{
    public List<DateTimeOffset> Between(DateTimeOffset from, DateTimeOffset to)
    {
        var found = new List<DateTimeOffset>();
        for (var due = AtOrAfter(from); due <= to; due = Cron.Next(due.Value, Zone))
            found.Add(due.Value);
        return found;
    }

    /// <summary>At most <paramref name="count"/> due times before <paramref name="end"/>, none older than
    /// <paramref name="oldest"/>, earliest first.</summary>
    public List<DateTimeOffset> LatestBefore(DateTimeOffset end, DateTimeOffset oldest, int count)
    {
        var found = new List<DateTimeOffset>();
        for (var due = LastBefore(end); due >= oldest && found.Count < count; due = LastBefore(due.Value))
            found.Add(due.Value);
        found.Reverse();
        return found;
    }

    public SkippedDueTimes? Before(DateTimeOffset end)
    {
        if (LastBefore(end) is not { } last)
            return null;
        var count = 0;
        DateTimeOffset? due = First;
        while (due < end && count < SkippedDueTimes.CountLimit)
        {
            count++;
            due = Cron.Next(due.Value, Zone);
        }

        return new SkippedDueTimes(count, due < end, First, last);
    }

    private DateTimeOffset? AtOrAfter(DateTimeOffset from) =>
        First >= from ? First : Cron.Next(from - TimeSpan.FromTicks(1), Zone);

    /// <summary>
    /// Halves the span that must hold the last due time until nothing is left of it: some 50 steps for a year,
    /// where walking from the first due time would take 31 million for an expression of every second.
    /// </summary>
    private DateTimeOffset? LastBefore(DateTimeOffset end)
    {
        if (First >= end)
            return null;
        var (last, empty) = (First, end);
        while (empty > last)
        {
            var middle = last + (empty - last) / 2;
            if (Cron.Next(middle, Zone) is { } due && due < end)
                last = due;
            else
                empty = middle;
        }

        return last;
    }
}
