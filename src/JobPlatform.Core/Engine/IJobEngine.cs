using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Engine;

/// <summary>
/// What runs jobs: takes runs whose rows are committed in <c>job_runs</c>, and schedules. Everything above (retry
/// policy, time-outs, overlap, history) is written once and does not know which engine runs. Thread-safe.
/// </summary>
public interface IJobEngine
{
    /// <summary>The engine's name, as the setting <c>ENGINE</c> has it.</summary>
    string Name { get; }

    /// <summary>
    /// Tells the engine of committed, queued runs. Losing this call loses no run: the engine finds the row by itself,
    /// only later.
    /// </summary>
    Task SubmitAsync(IReadOnlyCollection<SubmittedRun> runs, CancellationToken cancellation);

    /// <summary>Tells the engine that a run was canceled or that its cancellation is asked for. A hint, as above.</summary>
    Task WithdrawAsync(Guid runId, CancellationToken cancellation);

    /// <summary>Makes or changes the schedule of a job; its due times are counted from now on.</summary>
    Task ScheduleAsync(ScheduleDefinition schedule, CancellationToken cancellation);

    /// <summary>Removes the schedule of a job; does nothing when there is none.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="upToVersion">The version of the row that asks for it: a schedule made for a later one stays.</param>
    /// <param name="cancellation">Ends the wait.</param>
    Task UnscheduleAsync(long jobId, int upToVersion, CancellationToken cancellation);

    /// <summary>Stops the schedule of a job; it stays known, in that state, until <see cref="ScheduleAsync"/> sets it going.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="jobVersion">The version of the definition; a later one sets the schedule going by itself.</param>
    /// <param name="state">Paused or unscheduled.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>False when there is no schedule of that job.</returns>
    Task<bool> StopScheduleAsync(long jobId, int jobVersion, ScheduleState state, CancellationToken cancellation);

    /// <summary>The schedule of a job, whatever its state; null for none.</summary>
    Task<EngineSchedule?> FindScheduleAsync(long jobId, CancellationToken cancellation);

    /// <summary>The schedules that are ours, whatever their state.</summary>
    Task<IReadOnlyList<EngineSchedule>> ListSchedulesAsync(CancellationToken cancellation);

    /// <summary>Null when the engine works, otherwise one sentence that says what is wrong.</summary>
    Task<string?> FindFaultAsync(CancellationToken cancellation);
}

/// <summary>A run that is committed and waits.</summary>
/// <param name="RunId">Its key.</param>
/// <param name="RunAt">When it is to start.</param>
/// <param name="Queue">The queue it waits in.</param>
public readonly record struct SubmittedRun(Guid RunId, DateTimeOffset RunAt, string Queue);

/// <summary>What a job's row asks of the engine.</summary>
/// <param name="JobId">The job.</param>
/// <param name="JobName">Its name.</param>
/// <param name="JobVersion">The version of the definition.</param>
/// <param name="CronExpression">A valid expression.</param>
/// <param name="TimeZone">A known IANA zone.</param>
/// <param name="Misfire">What becomes of due times that passed unnoticed.</param>
public sealed record ScheduleDefinition(
    long JobId, string JobName, int JobVersion, string CronExpression, string TimeZone, MisfirePolicy Misfire);

/// <summary>What the engine has.</summary>
public sealed record EngineSchedule
{
    /// <summary>The job that it was made for; the job may be gone (an orphan).</summary>
    public long JobId { get; init; }

    /// <summary>The job's name when the schedule was made.</summary>
    public required string JobName { get; init; }

    /// <summary>The definition's version when the schedule was made.</summary>
    public int JobVersion { get; init; }

    /// <summary>The expression in force.</summary>
    public required string CronExpression { get; init; }

    /// <summary>Its zone.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Its misfire policy.</summary>
    public MisfirePolicy Misfire { get; init; }

    /// <summary>Whether it fires, and if not, who stopped it.</summary>
    public ScheduleState State { get; init; }

    /// <summary>The next due time; null when there is none any more.</summary>
    public DateTimeOffset? NextDueAt { get; init; }

    /// <summary>The last due time that was handled.</summary>
    public DateTimeOffset? LastDueAt { get; init; }
}

/// <summary>The states of a schedule.</summary>
public enum ScheduleState
{
    /// <summary>It fires.</summary>
    Active,

    /// <summary>An operator paused it; the next change of the job's row or a resume sets it going.</summary>
    Paused,

    /// <summary>An operator took it out; the next change of the job's row brings it back.</summary>
    Unscheduled,
}
