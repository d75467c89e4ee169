using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Jobs;

/// <summary>A worker that is alive.</summary>
/// <param name="Name">What it calls itself.</param>
/// <param name="Concurrency">How many runs it takes at once.</param>
public sealed record LivingWorker(string Name, int Concurrency);

/// <summary>What a version of a definition says of when the job is due. Immutable.</summary>
public sealed record JobChange
{
    /// <summary>The version.</summary>
    public int Version { get; init; }

    /// <summary>When it came into force.</summary>
    public DateTimeOffset ChangedAt { get; init; }

    /// <summary>Who made it.</summary>
    public required string ChangedBy { get; init; }

    /// <summary>Whether the job was enabled.</summary>
    public bool IsEnabled { get; init; }

    /// <summary>When it was due; null for never by itself.</summary>
    public string? CronExpression { get; init; }

    /// <summary>The zone of the expression.</summary>
    public required string TimeZone { get; init; }
}

/// <summary>What <see cref="JobExplanation"/> is made of: all at one moment. Immutable.</summary>
public sealed record JobFacts
{
    /// <summary>The definition in force.</summary>
    public required Job Job { get; init; }

    /// <summary>The moment.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Why it cannot be scheduled or run, each a sentence.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>What the engine says is wrong with itself; null when it works.</summary>
    public string? EngineFault { get; init; }

    /// <summary>What the engine has; null for nothing.</summary>
    public EngineSchedule? Schedule { get; init; }

    /// <summary>The workers that are alive.</summary>
    public IReadOnlyList<LivingWorker> Workers { get; init; } = [];

    /// <summary>How many runs of all jobs are running.</summary>
    public int RunningEverywhere { get; init; }

    /// <summary>The job's runs that are running, oldest first; at most <see cref="MostRuns"/>.</summary>
    public IReadOnlyList<RunDetails> Running { get; init; } = [];

    /// <summary>The job's runs that are queued or retrying, by the time they start; at most <see cref="MostRuns"/>.</summary>
    public IReadOnlyList<RunDetails> Waiting { get; init; } = [];

    /// <summary>Versions, newest first.</summary>
    public IReadOnlyList<JobChange> Versions { get; init; } = [];

    /// <summary>The latest due times of the definition in force, newest first.</summary>
    public IReadOnlyList<DateTimeOffset> LastDueTimes { get; init; } = [];

    /// <summary>For each of them the first run that stands for it or a later one.</summary>
    public IReadOnlyList<RunDetails> CronRuns { get; init; } = [];

    /// <summary>The oldest due time of which a row is left; null when there is none.</summary>
    public DateTimeOffset? OldestDueTime { get; init; }

    /// <summary>The run that ended last; null when none has, or when it was purged.</summary>
    public RunDetails? LastRun { get; init; }

    /// <summary>The run that failed last, when none succeeded since.</summary>
    public RunDetails? LastFailure { get; init; }

    /// <summary>How many runs failed since the last that succeeded.</summary>
    public int ConsecutiveFailures { get; init; }

    /// <summary>The most runs of one state that are looked at.</summary>
    public const int MostRuns = 100;
}
