namespace JobPlatform.Core.Runs;

/// <summary>Why a running handler is told to stop.</summary>
public enum StopReason
{
    /// <summary>Nobody asked; when the token has ended all the same, the time was up.</summary>
    None,

    /// <summary>Somebody canceled the run.</summary>
    Canceled,

    /// <summary>The process shuts down.</summary>
    Draining,

    /// <summary>The worker could not renew its lease in time; another one may have taken the run.</summary>
    LeaseLost,
}

/// <summary>The handle by which an engine stops a run that it executes. Thread-safe.</summary>
public sealed class RunControl(TimeProvider clock) : IDisposable
{
    /// <summary>How long a handler may go on after it was told to stop; then it is abandoned.</summary>
    public static readonly TimeSpan AbandonAfter = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _source = new();
    private ITimer? _timer;
    private int _reason;
    private int _disposed;

    /// <summary>What the handler gets.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Who stopped it; <see cref="StopReason.None"/> with an ended token means that the time was up.</summary>
    public StopReason Reason => (StopReason)Volatile.Read(ref _reason);

    /// <summary>Lets the time run. The clock's timer, so that tests turn it.</summary>
    public void StartTimeout(TimeSpan timeout) =>
        _timer = clock.CreateTimer(static state => ((RunControl)state!).Cancel(), this, timeout, Timeout.InfiniteTimeSpan);

    /// <summary>Tells the handler to stop; the first reason stays.</summary>
    public void Stop(StopReason reason)
    {
        Interlocked.CompareExchange(ref _reason, (int)reason, (int)StopReason.None);
        Cancel();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        _timer?.Dispose();
        _source.Dispose();
    }

    private void Cancel()
    {
        // The run may end, and this be disposed, while a heartbeat is just about to stop it.
        if (Volatile.Read(ref _disposed) != 0) return;
        try
        {
            // Not here: what the handler has registered may block or throw, and the caller has other runs to stop. What
            // it throws is the handler's fault, which its own task tells.
            _source.CancelAsync().ContinueWith(static done => done.Exception, CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
        catch (ObjectDisposedException)
        {
            return;
        }
    }
}
