using System.Threading.Channels;
using JobPlatform.Core.Runs;

namespace JobPlatform.Engine.Postgres;

/// <summary>
/// Runs that this worker has claimed and not yet begun, and the places for more. It claims ahead as much as its
/// handlers get through in a twentieth of a second: thousands of short runs cost few claims, while long runs are kept from
/// other workers for a second at most. Thread-safe.
/// </summary>
internal sealed class LocalQueue(int concurrency, TimeProvider clock)
{
    private const int MostAhead = 1000;
    private const double AheadSeconds = 0.05;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    // Weight of the newest run in the running mean of durations.
    private const double Newest = 0.05;

    private readonly Channel<ClaimedRun> _runs = Channel.CreateUnbounded<ClaimedRun>();
    private double _meanSeconds = 1;
    private int _held;

    /// <summary>Runs that are held: waiting here or running.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>How many runs to claim now; 0 while at least half of what is claimed ahead is left.</summary>
    public int Room()
    {
        var ahead = (int)Math.Min(MostAhead, concurrency * AheadSeconds / Volatile.Read(ref _meanSeconds));
        var held = Held;
        return held >= concurrency + ahead / 2 ? 0 : concurrency + ahead - held;
    }

    public void Add(ClaimedRun run)
    {
        Interlocked.Increment(ref _held);
        _runs.Writer.TryWrite(run);
    }

    /// <summary>The next run; false when no more will come.</summary>
    public async ValueTask<ClaimedRun?> TakeAsync()
    {
        while (await _runs.Reader.WaitToReadAsync())
            if (_runs.Reader.TryRead(out var run))
                return run;
        return null;
    }

    /// <summary>The place of a run that began at <paramref name="started"/> (the clock's timestamp) is free again.</summary>
    /// <returns>True when it is time to claim.</returns>
    public bool Release(long started)
    {
        var seconds = Math.Max(1e-6, clock.GetElapsedTime(started).TotalSeconds);
        // A race of two writers loses one sample, which is of no account.
        Volatile.Write(ref _meanSeconds, Volatile.Read(ref _meanSeconds) * (1 - Newest) + seconds * Newest);
        Interlocked.Decrement(ref _held);
        return Room() > 0;
    }

    /// <summary>
    /// Takes out what has waited for longer than a second: the runs turned out longer than those before them, and other
    /// workers may be idle.
    /// </summary>
    public List<ClaimedRun> TakeStale(DateTimeOffset now)
    {
        var stale = new List<ClaimedRun>();
        while (_runs.Reader.TryPeek(out var first) && now - first.StartedAt > LongestWait && _runs.Reader.TryRead(out var run)) stale.Add(run);
        // Claim no more ahead until the durations say otherwise.
        if (stale.Count > 0) Volatile.Write(ref _meanSeconds, 1);
        Interlocked.Add(ref _held, -stale.Count);
        return stale;
    }

    /// <summary>Takes out all that nobody has begun.</summary>
    public List<ClaimedRun> TakeAll()
    {
        var left = new List<ClaimedRun>();
        while (_runs.Reader.TryRead(out var run)) left.Add(run);
        Interlocked.Add(ref _held, -left.Count);
        return left;
    }

    /// <summary>No more runs will be added.</summary>
    public void Close() => _runs.Writer.TryComplete();
}
