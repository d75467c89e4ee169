using System.Globalization;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;
using JobPlatform.Core.Redis;

namespace JobPlatform.Handlers.Streams;

/// <summary>
/// Stream state in Redis, in the application's keys: <c>active-stream:{chat}</c> is a hash with <c>stream_id</c> and
/// <c>heartbeat_at</c> (milliseconds since 1970), <c>resumable-stream:rs:sentinel:{stream}</c> is there while the stream
/// can be resumed. Both go together, judged and deleted in one script, which Redis runs alone. Thread-safe.
/// </summary>
public sealed class RedisStreams(RedisServer server, Purger purger) : IStreamState
{
    private const string Key = "active-stream:";

    // The sentinel's key is made inside: which stream it is, is known only there. (A cluster would want it given; the
    // resumable-stream keys of one chat lie on different nodes of a cluster anyway.)
    private const string Release =
        """
        if redis.call('HGET', KEYS[1], 'stream_id') ~= ARGV[1] then return 0 end
        if ARGV[2] == '0' then redis.call('DEL', KEYS[1], 'resumable-stream:rs:sentinel:' .. ARGV[1]) end
        return 1
        """;

    private const string ReleaseStale =
        """
        local s = redis.call('HMGET', KEYS[1], 'stream_id', 'heartbeat_at')
        if not s[1] or (tonumber(s[2]) or 0) >= tonumber(ARGV[1]) then return 0 end
        if ARGV[2] == '0' then redis.call('DEL', KEYS[1], 'resumable-stream:rs:sentinel:' .. s[1]) end
        return 1
        """;

    /// <inheritdoc/>
    public async Task<bool> ReleaseAsync(long chatId, string streamId, bool dryRun, CancellationToken cancellation)
    {
        await using var redis = await RedisConnection.OpenAsync(server, cancellation);
        return await EvaluateAsync(redis, Release, Key + chatId.ToString(CultureInfo.InvariantCulture), streamId, dryRun, cancellation);
    }

    /// <inheritdoc/>
    public async Task<RunOutcome> SweepAsync(DateTimeOffset before, PurgeConfig config, RunContext run, CancellationToken cancellation)
    {
        await using var redis = await RedisConnection.OpenAsync(server, cancellation);
        var most = config.MaxRows ?? long.MaxValue;
        var due = await SweepAsync(redis, before, most, dryRun: true, run, cancellation);
        if (config.DryRun) return RunOutcome.Success(new { dry_run = true, would_delete = due });
        if (await purger.FindSafetyStopAsync(config, run, due, cancellation) is { } stop) return stop;
        return RunOutcome.Success(new { deleted = await SweepAsync(redis, before, most, dryRun: false, run, cancellation) });
    }

    private static async Task<long> SweepAsync(RedisConnection redis, DateTimeOffset before, long most, bool dryRun, RunContext run, CancellationToken cancellation)
    {
        // Redis may show a key twice: when it is deleted, the second time finds nothing; when it is counted, this does.
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var limit = before.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        await foreach (var key in redis.ScanAsync(Key + "*", cancellation))
        {
            if (seen.Count >= most) break;
            if (!seen.Contains(key) && await EvaluateAsync(redis, ReleaseStale, key, limit, dryRun, cancellation)) seen.Add(key);
            if (!dryRun) run.ReportProgress(seen.Count, note: $"{seen.Count:N0} streams released");
        }
        return seen.Count;
    }

    private static async Task<bool> EvaluateAsync(
        RedisConnection redis, string script, string key, string argument, bool dryRun, CancellationToken cancellation) =>
        await redis.SendAsync(cancellation, "EVAL", script, "1", key, argument, dryRun ? "1" : "0") is 1L;
}
