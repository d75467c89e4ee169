namespace JobPlatform.Core.Statistics;

/// <summary>A count that is not counted to its end. Immutable.</summary>
/// <param name="Count">How many, at most <see cref="Limit"/>.</param>
/// <param name="IsMore">True when there are more.</param>
public sealed record CappedCount(int Count, bool IsMore)
{
    /// <summary>Where counting stops.</summary>
    public const int Limit = 10_000;

    internal static CappedCount Of(int counted) => new(Math.Min(counted, Limit), counted > Limit);
}

/// <summary>What ended in one hour. Immutable.</summary>
public sealed record HourFigures
{
    /// <summary>The hour's beginning.</summary>
    public DateTimeOffset Hour { get; init; }

    /// <summary>Runs that ended well.</summary>
    public int Success { get; init; }

    /// <summary>Runs that failed.</summary>
    public int Failed { get; init; }

    /// <summary>Runs that were canceled.</summary>
    public int Canceled { get; init; }

    /// <summary>Runs that were skipped.</summary>
    public int Skipped { get; init; }

    /// <summary>True when more ended than were looked at; the figures are then those of the first of them.</summary>
    public bool IsMore { get; init; }

    /// <summary>Half of the runs waited no longer than this between the time they were to start and their start; null for no runs.</summary>
    public double? WaitMsP50 { get; init; }

    /// <summary>19 in 20 waited no longer than this.</summary>
    public double? WaitMsP95 { get; init; }

    /// <summary>Half of the runs took no longer than this; null for no runs.</summary>
    public double? RunMsP50 { get; init; }

    /// <summary>19 in 20 took no longer than this.</summary>
    public double? RunMsP95 { get; init; }
}

/// <summary>A process that runs jobs, and lives. Immutable.</summary>
public sealed record AliveWorker
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>How many runs it takes at once.</summary>
    public int Places { get; init; }

    /// <summary>The platform's version that it runs.</summary>
    public required string Version { get; init; }

    /// <summary>When it started.</summary>
    public DateTimeOffset StartedAt { get; init; }
}

/// <summary>How the platform is doing. Immutable.</summary>
public sealed record PlatformFigures
{
    /// <summary>The last 24 hours, the oldest first, the last one going on.</summary>
    public IReadOnlyList<HourFigures> Hours { get; init; } = [];

    /// <summary>Runs that wait for their time or for a worker.</summary>
    public required CappedCount Waiting { get; init; }

    /// <summary>Runs that could start and do not.</summary>
    public required CappedCount Overdue { get; init; }

    /// <summary>Runs that are running.</summary>
    public required CappedCount Running { get; init; }

    /// <summary>Workers that are alive.</summary>
    public required int WorkersAlive { get; init; }

    /// <summary>The first of them by name, at most 20.</summary>
    public required IReadOnlyList<AliveWorker> Workers { get; init; }

    /// <summary>Runs that those workers take at once.</summary>
    public required int Places { get; init; }

    /// <summary>Mails that wait to be sent.</summary>
    public required CappedCount PendingEmails { get; init; }
}
