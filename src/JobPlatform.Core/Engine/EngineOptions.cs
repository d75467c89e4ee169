namespace JobPlatform.Core.Engine;

/// <summary>How the engine works in this process. Immutable.</summary>
public sealed record EngineOptions
{
    /// <summary>How many handlers run at once. Default 16.</summary>
    public int Concurrency { get; init; } = 16;

    /// <summary>The queues this worker takes runs from; null for all.</summary>
    public IReadOnlyList<string>? Queues { get; init; }

    /// <summary>How often it looks for runs that nobody told it of; a third as often while notifications arrive. Default 1 s.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long after its last sign of life a worker counts as dead and its runs go on elsewhere. Renewed three times
    /// as often. Default 15 s.
    /// </summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long running handlers are waited for at shut-down. Default 25 s.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>How often all schedules are compared with the jobs. Default 1 min.</summary>
    public TimeSpan ReconcileInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>False where LISTEN does not work, as behind PgBouncer in transaction mode. Default true.</summary>
    public bool Listen { get; init; } = true;

    /// <summary>What the worker calls itself in <c>workers</c> and <c>job_runs.worker</c>; unique to the process.</summary>
    public string WorkerName { get; init; } = $"{Environment.MachineName}:{Environment.ProcessId}:{Guid.NewGuid().ToString("N")[..6]}";

    /// <summary>The process's role: <c>all</c> or <c>worker</c>.</summary>
    public string Role { get; init; } = "all";

    /// <summary>
    /// How long a due time is left to an engine that has a clock of its own before it is handled without that one. The
    /// embedded engine has none: zero.
    /// </summary>
    internal TimeSpan Patience { get; init; }
}
