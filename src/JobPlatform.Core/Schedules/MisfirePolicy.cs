namespace JobPlatform.Core.Schedules;

/// <summary>What becomes of due times that passed while nothing could start them (an outage, a pause).</summary>
public enum MisfirePolicy
{
    /// <summary>One run makes up for all of them.</summary>
    One,

    /// <summary>None of them is made up for.</summary>
    Skip,

    /// <summary>Each is run, up to the limits of <see cref="MisfireLimits"/>.</summary>
    All,
}

/// <summary>The numbers that decide which due times count as missed and how many are made up for.</summary>
/// <param name="Grace">How late a due time may be and still count as on time; not negative. All due times within it
/// are run, so seconds are meant.</param>
/// <param name="Cap">The most missed due times that <see cref="MisfirePolicy.All"/> runs; not negative.</param>
/// <param name="MaxAge">The age above which <see cref="MisfirePolicy.All"/> skips; not negative.</param>
public sealed record MisfireLimits(TimeSpan Grace, int Cap, TimeSpan MaxAge)
{
    /// <summary>10 seconds, 100 due times, 24 hours.</summary>
    public static MisfireLimits Default { get; } = new(TimeSpan.FromSeconds(10), 100, TimeSpan.FromHours(24));
}

/// <summary>A stretch of due times that are not run.</summary>
/// <param name="Count">How many; at least 1, and exact up to <see cref="CountLimit"/>.</param>
/// <param name="IsMore">There are more than <paramref name="Count"/>.</param>
/// <param name="First">The earliest, in UTC.</param>
/// <param name="Last">The latest, in UTC; exact also when <paramref name="Count"/> is not.</param>
public sealed record SkippedDueTimes(int Count, bool IsMore, DateTimeOffset First, DateTimeOffset Last)
{
    /// <summary>How far is counted: a job of every second misses more in a night than anybody reads.</summary>
    public const int CountLimit = 10_000;
}

/// <summary>What to do now about the due times of one job.</summary>
/// <param name="Due">The due times to run, earliest first, in UTC.</param>
/// <param name="Skipped">Those that are not run; null when there are none.</param>
/// <param name="Next">The next due time to wait for; null when there is none.</param>
public sealed record DuePlan(IReadOnlyList<DateTimeOffset> Due, SkippedDueTimes? Skipped, DateTimeOffset? Next);
