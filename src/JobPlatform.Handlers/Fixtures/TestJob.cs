using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using JobPlatform.Core.Handlers;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Handlers.Fixtures;

/// <summary>Always succeeds, for trying the platform out.</summary>
[JobHandler("test-job", "Always succeeds and echoes its config.", Gate = "ENVIRONMENT=Development", IsSeeded = false)]
public sealed partial class TestJob : JobHandler<TestJob.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>Any text.</summary>
        [Description("Any text; it comes back in the output.")]
        public string Message { get; init; } = "hello";

        /// <summary>Any JSON.</summary>
        [Description("Any JSON; it comes back in the output.")]
        public JsonElement? Echo { get; init; }

        /// <summary>Seconds that the run takes.</summary>
        [Range(0, 86_400), Description("Seconds that the run takes.")]
        public double Seconds { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        LogMessage(run.Logger, config.Message);
        var steps = (int)Math.Ceiling(config.Seconds);
        for (var step = 0; step < steps; step++)
        {
            run.ReportProgress(step, steps, "waiting");
            await Task.Delay(TimeSpan.FromSeconds(Math.Min(1, config.Seconds - step)), run.Clock, cancellation);
        }
        return RunOutcome.Success(config);
    }

    [LoggerMessage(5901, LogLevel.Information, "{Message}")]
    private static partial void LogMessage(ILogger logger, string message);
}

/// <summary>Always fails, for trying out retries and alerts.</summary>
[JobHandler("test-fail-job", "Always fails.", Gate = "ENVIRONMENT=Development", IsSeeded = false)]
public sealed class TestFailJob : JobHandler<TestFailJob.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>The error's text.</summary>
        [Description("The text of the error.")]
        public string Message { get; init; } = "This job always fails.";

        /// <summary>Fails for good.</summary>
        [Description("Fail for good, whatever the retry policy says.")]
        public bool ForGood { get; init; }
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        Task.FromResult(config.ForGood ? RunOutcome.FailForGood(config.Message) : RunOutcome.Fail(config.Message));
}
