namespace JobPlatform.Core.Handlers.Purging;

/// <summary>
/// How many rows the next transaction takes and how long the purge rests before it. A transaction aims at 50 ms, half
/// of what an application may have to wait for it. A rest is a third of the transaction before it: on a loaded server
/// both take longer, so that the purge keeps to three quarters of one connection whatever the load; it doubles, up to
/// eight times, with each transaction during which a session waited for a lock, and halves again with each that none did.
/// </summary>
internal sealed class PurgePace(int mostRows)
{
    private const int FirstRows = 500;
    private const double RestShare = 1.0 / 3;
    private const int MostCaution = 8;
    private static readonly TimeSpan Aim = TimeSpan.FromMilliseconds(50);

    private int _caution = 1;

    /// <summary>Rows for the next transaction.</summary>
    public int Rows { get; private set; } = Math.Min(FirstRows, mostRows);

    /// <summary>How long to rest before it.</summary>
    public TimeSpan Rest { get; private set; }

    /// <summary>Learns from a transaction.</summary>
    /// <param name="rows">Rows that it took.</param>
    /// <param name="took">How long it took.</param>
    /// <param name="somebodyWaits">Whether a session waited for a lock meanwhile.</param>
    public void Learn(int rows, TimeSpan took, bool somebodyWaits)
    {
        _caution = somebodyWaits ? Math.Min(_caution * 2, MostCaution) : Math.Max(_caution / 2, 1);
        Rest = took * (RestShare * _caution);
        // At most double: the first transaction after a cold start says little of the next. Down at once.
        var fitting = rows * (Aim / took);
        Rows = (int)Math.Clamp(Math.Min(fitting, rows * 2.0), 1, mostRows);
    }
}
