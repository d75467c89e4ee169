using JobPlatform.Core.Engine;

namespace JobPlatform.Core.Schedules;

/// <summary>The schedules that are due in the same minute as a due time. Immutable.</summary>
/// <param name="DueAt">The due time.</param>
/// <param name="Jobs">The others' names, at most <see cref="DueTimeCollisions.MostNames"/>.</param>
/// <param name="Count">How many there are.</param>
public sealed record Collision(DateTimeOffset DueAt, IReadOnlyList<string> Jobs, int Count);

/// <summary>Finds out which jobs start together, before a schedule is stored. Thread-safe.</summary>
public sealed class DueTimeCollisions(IJobEngine engine)
{
    /// <summary>How many names of one minute are given.</summary>
    public const int MostNames = 5;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>For each due time the active schedules of other jobs that are due in its minute; those without any are left out.</summary>
    /// <param name="dueTimes">The due times.</param>
    /// <param name="job">The job that they are of, whose own schedule does not count.</param>
    /// <param name="cancellation">Ends the look.</param>
    public async Task<IReadOnlyList<Collision>> FindAsync(IReadOnlyCollection<DateTimeOffset> dueTimes, string job, CancellationToken cancellation = default)
    {
        if (dueTimes.Count == 0) return [];
        var others = new List<(string Name, CronExpression Cron, TimeZoneInfo Zone)>();
        foreach (var schedule in await engine.ListSchedulesAsync(cancellation))
            if (schedule.State == ScheduleState.Active && schedule.JobName != job && CronExpression.TryParse(schedule.CronExpression, schedule.JobName, out var cron, out _)
                && TimeZones.TryFind(schedule.TimeZone, out var zone, out _))
                others.Add((schedule.JobName, cron, zone));
        var collisions = new List<Collision>();
        foreach (var due in dueTimes)
        {
            var start = new DateTimeOffset(due.UtcTicks - due.UtcTicks % Minute.Ticks, TimeSpan.Zero);
            var names = others.Where(other => other.Cron.MayBeDueIn(start, other.Zone) && other.Cron.Next(start - TimeSpan.FromTicks(1), other.Zone) < start + Minute)
                .Select(other => other.Name).Order(StringComparer.Ordinal).ToList();
            if (names.Count > 0) collisions.Add(new(due, names.Take(MostNames).ToList(), names.Count));
        }
        return collisions;
    }
}
