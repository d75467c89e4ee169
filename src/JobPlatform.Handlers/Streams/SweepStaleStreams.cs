using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Streams;

/// <summary>Lets chats go whose stream died without a word, so that a refresh or a crash never leaves a chat stuck.</summary>
[JobHandler("sweep-stale-streams", "Releases streams that gave no heartbeat for minutes.",
    Cron = "*/5 * * * *", Tables = ["public.active_streams"], TablesUnless = "REDIS_URL", IsDestructive = true)]
public sealed class SweepStaleStreams(IStreamState streams) : JobHandler<SweepStaleStreams.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config : PurgeConfig
    {
        /// <summary>Minutes without a heartbeat.</summary>
        [Range(1, 10_080), DeletesMoreWhen(Becomes.Lower), Description("Minutes without a heartbeat after which a stream counts as dead.")]
        public int Minutes { get; init; } = 5;
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation) =>
        streams.SweepAsync(run.Clock.GetUtcNow().AddMinutes(-config.Minutes), config, run, cancellation);
}
