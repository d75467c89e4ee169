namespace JobPlatform.Core.Engine;

/// <summary>A wake-up that is never lost and never piles up: many <see cref="Set"/> before a wait are one. One waiter.</summary>
internal sealed class Signal
{
    private TaskCompletionSource _set = New();

    public void Set() => Volatile.Read(ref _set).TrySetResult();

    /// <summary>Returns when set, or after <paramref name="atMost"/>.</summary>
    public async Task WaitAsync(TimeSpan atMost, TimeProvider clock, CancellationToken cancellation)
    {
        var current = Volatile.Read(ref _set);
        if (!current.Task.IsCompleted)
        {
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await Task.WhenAny(current.Task, Task.Delay(atMost, clock, enough.Token));
            await enough.CancelAsync();
            cancellation.ThrowIfCancellationRequested();
        }
        if (current.Task.IsCompleted) Volatile.Write(ref _set, New());
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>What the parts of the engine tell each other within a process.</summary>
internal sealed class EngineSignals
{
    /// <summary>A run may be ready, or a place for one.</summary>
    public Signal Runs { get; } = new();

    /// <summary>A schedule changed.</summary>
    public Signal Schedules { get; } = new();

    /// <summary>A row of <c>jobs</c> changed.</summary>
    public Signal Jobs { get; } = new();

    /// <summary>True while notifications arrive; without them the polls are all there is.</summary>
    public volatile bool IsListening;
}
