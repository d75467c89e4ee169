using System.Text.Json;

namespace JobPlatform.Engine.Hangfire;

/// <summary>Tells Hangfire that an attempt failed; everything about it is recorded in <c>job_runs</c> already.</summary>
public sealed class RunFailedException : Exception
{
    /// <inheritdoc/>
    public RunFailedException() { }

    /// <inheritdoc/>
    public RunFailedException(string message) : base(message) { }

    /// <inheritdoc/>
    public RunFailedException(string message, Exception innerException) : base(message, innerException) { }

    /// <param name="error">The error of the run, a JSON object with type and message.</param>
    /// <param name="nextAt">When the next attempt is due; null after the last one.</param>
    internal RunFailedException(string error, DateTimeOffset? nextAt) : base(Describe(error)) => NextAt = nextAt;

    /// <summary>When the next attempt is due; null after the last one.</summary>
    public DateTimeOffset? NextAt { get; }

    private static string Describe(string error)
    {
        var json = JsonElement.Parse(error);
        return $"{json.GetProperty("type")}: {json.GetProperty("message")}";
    }
}
