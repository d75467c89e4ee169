using System.Text.Json;
using JobPlatform.Core.Jobs;

namespace JobPlatform.Core.Runs;

/// <summary>Why a run exists.</summary>
public enum RunTrigger
{
    /// <summary>A due time of the job's schedule.</summary>
    Cron,

    /// <summary>A person.</summary>
    Manual,

    /// <summary>A call of the API.</summary>
    Api,

    /// <summary>An event of the application.</summary>
    Event,

    /// <summary>The SQL function <c>enqueue_job</c>.</summary>
    Sql,

    /// <summary>A manual retry of an ended run.</summary>
    Retry,
}

/// <summary>A run that a worker holds: its row is <c>running</c> under this fence. Immutable.</summary>
public sealed record ClaimedRun
{
    /// <summary>The run's key.</summary>
    public required Guid Id { get; init; }

    /// <summary>The job's key.</summary>
    public required long JobId { get; init; }

    /// <summary>The version of the job that is in force.</summary>
    public required int JobVersion { get; init; }

    /// <summary>Grows with each claim; a finish with an older one is refused.</summary>
    public required long Fence { get; init; }

    /// <summary>The number of this attempt; the first is 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>How often a worker died while it ran this.</summary>
    public required int Rescues { get; init; }

    /// <summary>Why the run exists.</summary>
    public required RunTrigger Trigger { get; init; }

    /// <summary>Runs although the job is disabled; a handler whose gate is closed refuses it all the same.</summary>
    public required bool Forced { get; init; }

    /// <summary>True where the job's overlap policy limits it.</summary>
    public required bool Limited { get; init; }

    /// <summary>The due time that a cron run stands for.</summary>
    public DateTimeOffset? ScheduledFor { get; init; }

    /// <summary>When the attempt was to start.</summary>
    public required DateTimeOffset RunAt { get; init; }

    /// <summary>When the attempt was claimed.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Keys laid over the job's config for this run; JSON text, null for none.</summary>
    public string? Payload { get; init; }

    /// <summary>Who asked for the run, as W3C's <c>traceparent</c>; null for nobody who traces.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Tries that count against <see cref="Job.MaxAttempts"/>: those that a dying worker ended do not.</summary>
    public int Tries => Attempt - Rescues;

    /// <summary>The payload as JSON.</summary>
    public JsonElement? ParsePayload() => Payload is null ? null : JsonElement.Parse(Payload);
}
