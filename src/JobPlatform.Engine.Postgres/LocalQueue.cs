using System.Threading.Channels;
using JobPlatform.Core.Runs;

namespace JobPlatform.Engine.Postgres;

/// <summary>
/// Runs that this worker has claimed and not yet begun, and the places for more. It claims ahead as much as its
/// handlers get through in a twentieth of a second: thousands of short runs cost few claims, while long runs are never
/// kept from other workers. Thread-safe.
/// </summary>
internal sealed class LocalQueue(int concurrency, TimeProvider clock)
{
    private const int MostAhead = 1000;
    private const double AheadSeconds = 0.05;
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

    /// <summary>No more runs will be added; returns those that nobody has taken.</summary>
    public List<ClaimedRun> Close()
    {
        _runs.Writer.TryComplete();
        var left = new List<ClaimedRun>();
        while (_runs.Reader.TryRead(out var run)) left.Add(run);
        Interlocked.Add(ref _held, -left.Count);
        return left;
    }
}
