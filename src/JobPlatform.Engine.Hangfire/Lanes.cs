using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// Hangfire's queues: one for each queue and priority of the platform, named so that the urgent ones sort first, which is
/// the order in which its storage fetches. A worker without a list of its own takes from all that there are, also from
/// those that come up later. Thread-safe.
/// </summary>
internal sealed class Lanes(PlatformDatabase database, EngineOptions options)
{
    private volatile Snapshot _current = new([], null);

    /// <summary>The lanes to take from, and a token that ends when they change.</summary>
    public Snapshot Current => _current;

    // Hangfire allows no dot; two queues that then share a lane are told apart by the claim.
    public static string NameOf(string queue, int priority) => $"p{priority}-{queue.Replace('.', '_')}";

    public bool Contains(string lane) => options.Queues is not null || _current.Names.Contains(lane, StringComparer.Ordinal);

    /// <summary>Looks which queues there are; workers that wait start over when some are new.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        var queues = options.Queues ?? await ReadQueuesAsync(cancellation);
        var names = (from queue in queues from priority in Enumerable.Range(1, 9) select NameOf(queue, priority))
            .Distinct().Order(StringComparer.Ordinal).ToArray();
        var before = _current;
        if (names.SequenceEqual(before.Names)) return;
        _current = new Snapshot(names, new CancellationTokenSource());
        if (before.Source is { } source) await source.CancelAsync();
    }

    private async Task<List<string>> ReadQueuesAsync(CancellationToken cancellation)
    {
        var queues = new List<string> { "default" };
        await using var command = database.Source.CreateCommand("SELECT DISTINCT queue FROM jobplatform.jobs");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) queues.Add(reader.GetString(0));
        return queues;
    }

    internal sealed record Snapshot(string[] Names, CancellationTokenSource? Source)
    {
        public CancellationToken Changed => Source?.Token ?? CancellationToken.None;
    }
}
