using System.Diagnostics;
using Npgsql;

namespace JobPlatform.Core.Database;

/// <summary>
/// The database's clock, carried on by this machine's monotonic one. All processes of a fleet agree on what is due,
/// whatever their own clocks say and however those are set back or forth. Until the first
/// <see cref="AnchorAsync"/> it is the machine's clock. Thread-safe.
/// </summary>
public sealed class DatabaseClock : TimeProvider
{
    private Anchor _anchor = new(Stopwatch.GetTimestamp(), System.GetUtcNow().UtcTicks, TimeSpan.MaxValue);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        var anchor = Volatile.Read(ref _anchor);
        return new DateTimeOffset(anchor.UtcTicks + Stopwatch.GetElapsedTime(anchor.Timestamp).Ticks, TimeSpan.Zero);
    }

    /// <summary>Reads the database's clock; called at start and with each heartbeat.</summary>
    public async Task AnchorAsync(NpgsqlDataSource source, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("SELECT clock_timestamp()");
        var before = Stopwatch.GetTimestamp();
        var database = (DateTime)(await command.ExecuteScalarAsync(cancellation))!;
        var after = Stopwatch.GetTimestamp();
        Adopt(database, before, after);
    }

    /// <summary>Takes a reading of the database's clock that lay between two readings of <see cref="Stopwatch"/>.</summary>
    public void Adopt(DateTime databaseUtc, long before, long after)
    {
        // The reading was made somewhere between the two; the middle halves the error. A slow answer says little, so
        // it replaces a better one only when the two disagree by more than either can explain.
        var roundTrip = Stopwatch.GetElapsedTime(before, after);
        var candidate = new Anchor(before + (after - before) / 2, databaseUtc.Ticks, roundTrip);
        var current = Volatile.Read(ref _anchor);
        var currentReads = current.UtcTicks + Stopwatch.GetElapsedTime(current.Timestamp, candidate.Timestamp).Ticks;
        var disagreement = TimeSpan.FromTicks(Math.Abs(currentReads - candidate.UtcTicks));
        if (roundTrip <= current.RoundTrip || disagreement > roundTrip + TimeSpan.FromMilliseconds(5))
            Volatile.Write(ref _anchor, candidate);
    }

    private sealed record Anchor(long Timestamp, long UtcTicks, TimeSpan RoundTrip);
}
