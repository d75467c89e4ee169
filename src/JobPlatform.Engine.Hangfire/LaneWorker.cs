using Hangfire.Server;
using Hangfire.States;

namespace JobPlatform.Engine.Hangfire;

/// <summary>Hangfire's worker on the lanes that there are now: it waits on a fixed list, so it is called off when that changes.</summary>
internal sealed class LaneWorker(Lanes lanes, IBackgroundJobPerformer performer, IBackgroundJobStateChanger stateChanger) : IBackgroundProcess
{
    public void Execute(BackgroundProcessContext context)
    {
        var current = lanes.Current;
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(context.StoppingToken, current.Changed);
        try
        {
            new Worker(current.Names, performer, stateChanger).Execute(context.With(stopping.Token));
        }
        catch (OperationCanceledException) when (current.Changed.IsCancellationRequested && !context.IsStopping)
        {
            return; // It is called again at once.
        }
    }

    public override string ToString() => nameof(Worker);
}

/// <summary>Calls one of Hangfire's schedulers at each whole second, which is how exact its schedules are.</summary>
internal sealed class EverySecond(IBackgroundProcess scheduler, TimeProvider clock) : IBackgroundProcess
{
    // Timers of the system may fire a little early, and a look before the stroke sees nothing.
    private static readonly TimeSpan AfterTheStroke = TimeSpan.FromMilliseconds(5);

    public void Execute(BackgroundProcessContext context)
    {
        var toNext = TimeSpan.FromTicks(TimeSpan.TicksPerSecond - clock.GetUtcNow().Ticks % TimeSpan.TicksPerSecond);
        using var stroke = new CancellationTokenSource(toNext + AfterTheStroke, clock);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(context.StoppingToken, stroke.Token);
        try
        {
            scheduler.Execute(context.With(stopping.Token));
        }
        catch (OperationCanceledException) when (!context.IsStopping)
        {
            return; // The pause after its work ended at the stroke; it is called again at once.
        }
    }

    public override string ToString() => scheduler.ToString()!;
}

internal static class ContextExtensions
{
    /// <summary>The context with another token for the end of a wait.</summary>
    public static BackgroundProcessContext With(this BackgroundProcessContext context, CancellationToken stopping) =>
        new(context.ServerId, context.Storage, new Dictionary<string, object>(context.Properties), context.ExecutionId,
            stopping, context.StoppedToken, context.ShutdownToken);
}
