using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Streams;

/// <summary>Which chat receives which stream: in Redis where <c>REDIS_URL</c> is set, else in PostgreSQL. Thread-safe.</summary>
public interface IStreamState
{
    /// <summary>Lets the chat go if it is still this stream that it receives; a later stream of the chat stays.</summary>
    /// <returns>Whether it was, also in a dry run.</returns>
    Task<bool> ReleaseAsync(long chatId, string streamId, bool dryRun, CancellationToken cancellation);

    /// <summary>Lets all chats go whose stream gave no sign of life since <paramref name="before"/>.</summary>
    Task<RunOutcome> SweepAsync(DateTimeOffset before, PurgeConfig config, RunContext run, CancellationToken cancellation);
}
