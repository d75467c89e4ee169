namespace JobPlatform.Core.Schedules;

/// <summary>Decides which due times are run and which are skipped after some have passed. Thread-safe.</summary>
public static class Misfires
{
    /// <summary>
    /// Plans the due times from <paramref name="firstDue"/> to <paramref name="now"/>. Those at most
    /// <see cref="MisfireLimits.Grace"/> late are on time and are all run; earlier ones are missed and
    /// <paramref name="policy"/> decides:
    /// <list type="bullet">
    /// <item><see cref="MisfirePolicy.One"/>: the latest missed one is run, unless one is on time, which then
    /// stands for the missed ones too; the rest is skipped.</item>
    /// <item><see cref="MisfirePolicy.Skip"/>: all missed ones are skipped.</item>
    /// <item><see cref="MisfirePolicy.All"/>: the newest missed ones are run, within <see cref="MisfireLimits.Cap"/>
    /// and <see cref="MisfireLimits.MaxAge"/>; the rest is skipped.</item>
    /// </list>
    /// A first due time in the future (the clock was set back) is waited for: nothing is run twice.
    /// </summary>
    /// <remarks>Takes milliseconds however long the outage: due times are searched for, not walked through.</remarks>
    /// <param name="cron">The expression.</param>
    /// <param name="zone">The zone whose clock it is read on.</param>
    /// <param name="firstDue">The first due time not handled yet; taken as due whatever the expression says.</param>
    /// <param name="now">The present.</param>
    /// <param name="policy">The job's policy.</param>
    /// <param name="limits"><see cref="MisfireLimits.Default"/> when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The policy is unknown, or a limit is negative.</exception>
    public static DuePlan Plan(CronExpression cron, TimeZoneInfo zone, DateTimeOffset firstDue, DateTimeOffset now,
        MisfirePolicy policy, MisfireLimits? limits = null)
    {
        limits ??= MisfireLimits.Default;
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.Grace, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.MaxAge, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegative(limits.Cap);

        firstDue = firstDue.ToUniversalTime();
        now = now.ToUniversalTime();
        if (firstDue > now)
            return new DuePlan([], null, firstDue);

        var series = new DueSeries(cron, zone, firstDue);
        var onTimeFrom = now - limits.Grace;
        var due = series.Between(onTimeFrom, now);
        var madeUpFor = policy switch
        {
            MisfirePolicy.One => due.Count > 0 ? [] : series.LatestBefore(onTimeFrom, DateTimeOffset.MinValue, 1),
            MisfirePolicy.Skip => [],
            MisfirePolicy.All => series.LatestBefore(onTimeFrom, now - limits.MaxAge, limits.Cap),
            _ => throw new ArgumentOutOfRangeException(nameof(policy), policy, "use One, Skip or All"),
        };
        var skipped = series.Before(madeUpFor.Count > 0 ? madeUpFor[0] : onTimeFrom);
        return new DuePlan([.. madeUpFor, .. due], skipped, cron.Next(now, zone));
    }
}
