using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Handlers.Streams;

/// <summary>How a stream ended.</summary>
public enum StreamOutcome
{
    /// <summary>The answer is complete.</summary>
    Finished,

    /// <summary>The user stopped it.</summary>
    Stopped,

    /// <summary>It broke.</summary>
    Failed,
}

/// <summary>What the application says when a stream ends.</summary>
[EventType("stream.ended", "The stream of an answer finished, was stopped, or failed.")]
public sealed record StreamEnded
{
    /// <summary>The chat.</summary>
    [Description("The chat that received it.")]
    public required long ChatId { get; init; }

    /// <summary>The stream.</summary>
    [Description("The stream's id.")]
    public required string StreamId { get; init; }

    /// <summary>How it ended.</summary>
    [Description("How it ended.")]
    public required StreamOutcome Outcome { get; init; }
}

/// <summary>Lets a chat go when its stream has ended; one that receives a later stream by now keeps it.</summary>
[JobHandler("release-active-stream", "Clears a chat's active-stream state when its stream finished, stopped or failed.",
    Tables = ["public.active_streams"], TablesUnless = "REDIS_URL", IsDestructive = true)]
[OnEvent<StreamEnded>]
public sealed class ReleaseActiveStreams(IStreamState streams) : JobHandler<ReleaseActiveStreams.Config>
{
    /// <summary>What can be set: the event's fields.</summary>
    public sealed record Config
    {
        /// <summary>The chat.</summary>
        [Required, Description("The chat.")]
        public long? ChatId { get; init; }

        /// <summary>The stream.</summary>
        [Required, Description("The stream that has ended.")]
        public string? StreamId { get; init; }

        /// <summary>How it ended; the chat is released in any case.</summary>
        [Description("How it ended.")]
        public StreamOutcome? Outcome { get; init; }

        /// <summary>Looks only.</summary>
        [DeletesMoreWhen(Becomes.False), Description("Change nothing; report what would be released.")]
        public bool DryRun { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var released = await streams.ReleaseAsync(config.ChatId!.Value, config.StreamId!, config.DryRun, cancellation) ? 1 : 0;
        return config.DryRun ? RunOutcome.Success(new { dry_run = true, would_release = released }) : RunOutcome.Success(new { released });
    }
}
