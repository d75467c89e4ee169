using System.Net;
using System.Threading.RateLimiting;
using JobPlatform.Core.Administration;

namespace JobPlatform.Web.Security;

/// <summary>How often callers that have shown nothing may do something in any minute, by their network. Thread-safe.</summary>
internal sealed class NetworkLimit(int perMinute) : IDisposable
{
    private readonly PartitionedRateLimiter<string> _limiter =
        PartitionedRateLimiter.Create<string, string>(network => CallerLimits.Limit(network, perMinute));

    /// <summary>Whether all is used up; counts nothing.</summary>
    public bool IsSpent(IPAddress? address)
    {
        using var lease = _limiter.AttemptAcquire(Networks.Of(address), 0);
        return !lease.IsAcquired;
    }

    /// <summary>Counts.</summary>
    /// <returns>How long to wait; null when it may be done.</returns>
    public TimeSpan? Count(IPAddress? address)
    {
        using var lease = _limiter.AttemptAcquire(Networks.Of(address));
        return lease.IsAcquired ? null : CallerLimits.WaitOf(lease);
    }

    public void Dispose() => _limiter.Dispose();
}
