using System.Text.Json;

namespace JobPlatform.Core.Runs;

/// <summary>An attempt of a run that did not succeed. Immutable.</summary>
public sealed record RunAttempt
{
    /// <summary>Its number; the first is 1. Two have the same one when a worker died in between.</summary>
    public int Number { get; init; }

    /// <summary><c>failed</c>, <c>timeout</c>, <c>canceled</c> or <c>worker_lost</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>When it began.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended, or when it was noticed that its worker had died.</summary>
    public DateTimeOffset FinishedAt { get; init; }

    /// <summary>The worker that ran it.</summary>
    public required string Worker { get; init; }

    /// <summary>Type, message, attempt and perhaps stack.</summary>
    public JsonElement Error { get; init; }
}
