using JobPlatform.Core.Handlers;
using JobPlatform.Core.Telemetry;

namespace JobPlatform.Handlers.Email;

/// <summary>Counts what the lines of one run do together, and how many mails they may still take. Thread-safe.</summary>
internal sealed class Tally(RunContext run, long due, int? maxMails)
{
    private readonly Lock _gate = new();
    private long _left = maxMails ?? long.MaxValue;
    private int _sent, _retried, _failed, _returned;

    /// <summary>Sets up to <paramref name="share"/> mails of the allowance aside.</summary>
    public int Reserve(int share)
    {
        lock (_gate)
        {
            var reserved = (int)Math.Min(share, _left);
            _left -= reserved;
            return reserved;
        }
    }

    /// <summary>Gives back what was set aside and not used.</summary>
    public void Release(int count)
    {
        lock (_gate) _left += count;
    }

    public void Sent() => Count(ref _sent, 1, "sent");

    public void Retried() => Count(ref _retried, 1, "retried");

    public void Failed() => Count(ref _failed, 1, "failed");

    public void Returned(int count) => Count(ref _returned, count);

    /// <summary>The run's output.</summary>
    public Counts Counts
    {
        get
        {
            lock (_gate) return new(_sent, _retried, _failed, _returned);
        }
    }

    private void Count(ref int counter, int by, string? outcome = null)
    {
        if (outcome is not null) RunMetrics.CountMail(outcome);
        lock (_gate)
        {
            counter += by;
            var done = _sent + _retried + _failed;
            run.ReportProgress(done, Math.Max(due, done), "sending");
        }
    }
}

/// <summary>What became of the mails of one run.</summary>
/// <param name="Sent">Taken by the server.</param>
/// <param name="Retried">To be tried again later.</param>
/// <param name="Failed">Given up.</param>
/// <param name="Returned">Claimed and given back untouched.</param>
internal sealed record Counts(int Sent, int Retried, int Failed, int Returned)
{
    public override string ToString() => $"{Sent} sent, {Retried} to be tried again, {Failed} failed, {Returned} given back";
}
