using Hangfire.Common;
using Hangfire.States;
using Hangfire.Storage;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// Keeps Hangfire's states and those of <c>job_runs</c> one story: our retry policy decides and becomes Hangfire's
/// scheduled state; what somebody does in Hangfire's own dashboard becomes a cancellation, an earlier start or a new run.
/// Each of it is idempotent, so that a state change that is cut off or repeated leaves nothing half done.
/// </summary>
internal sealed class RunStateFilter(IServiceProvider services, TimeProvider clock) : IElectStateFilter, IApplyStateFilter
{
    // After a fault that is not the run's own, such as a database that does not answer.
    private static readonly TimeSpan NextLook = TimeSpan.FromSeconds(5);

    public void OnStateElection(ElectStateContext context)
    {
        if (!IsOurs(context.BackgroundJob.Job)) return;
        context.CandidateState = context.CandidateState switch
        {
            SucceededState when NextState.Find(context.CustomData) is { } next => next,
            FailedState { Exception: RunFailedException { NextAt: { } at } failure } => NextState.At(at, clock.GetUtcNow(), failure.Message),
            FailedState { Exception: not RunFailedException } fault when context.CurrentState == ProcessingState.StateName =>
                NextState.At(clock.GetUtcNow() + NextLook, clock.GetUtcNow(), $"Not the run's own fault: {fault.Exception.Message}"),
            EnqueuedState enqueued => OnEnqueue(context, enqueued),
            var other => other,
        };
        // A job of a due time has no queue of its own in Hangfire's eyes: it follows its run.
        if (context.CandidateState is EnqueuedState { Queue: EnqueuedState.DefaultQueue } lost && context.BackgroundJob.Job.Queue is null
            && context.GetJobParameter<string>(CarriedRun.LaneParameter) is { } lane)
            lost.Queue = lane;
    }

    public void OnStateApplied(ApplyStateContext context, IWriteOnlyTransaction transaction)
    {
        // Deleted, and not by us: somebody wants it canceled. A run that has ended is left as it is.
        if (context.NewState is not DeletedState || !IsOurs(context.BackgroundJob.Job) || NextState.Find(context.CustomData) is not null) return;
        if (CarriedRun.Find(context.BackgroundJob, context.Connection) is not { } run) return;
        if (Wait(Store.MarkCanceledAsync(run, Actor.HangfireDashboard)) == CancelAnswer.Requested)
            Wait(services.GetRequiredService<RunNotifier>().NotifyOfCancelAsync(run, CancellationToken.None));
    }

    public void OnStateUnapplied(ApplyStateContext context, IWriteOnlyTransaction transaction)
    {
        // Nothing is undone: what a state meant for the run was recorded when it was applied.
    }

    private IState OnEnqueue(ElectStateContext context, EnqueuedState enqueued)
    {
        if (context.CurrentState is null || CarriedRun.Find(context.BackgroundJob, context.Connection) is not { } run) return enqueued;
        if (context.CurrentState == ScheduledState.StateName)
        {
            Wait(Requeues.HastenAsync(run));
            return enqueued;
        }
        if (context.CurrentState is not ("Succeeded" or "Failed" or "Deleted")) return enqueued;
        switch (Wait(Requeues.RetryAsync(run, context.BackgroundJob.Id, Actor.HangfireDashboard.Name)))
        {
            case { RunId: { } retry, Lane: { } lane }:
                context.SetJobParameter<Guid?>(CarriedRun.RunParameter, retry);
                context.SetJobParameter(CarriedRun.LaneParameter, lane);
                return new EnqueuedState(lane) { Reason = enqueued.Reason };
            case { Refusal: { } refusal }:
                return new DeletedState { Reason = refusal };
            default:
                return enqueued;
        }
    }

    // Made when they are needed: they need the engine, which needs this.
    private RunStore Store => services.GetRequiredService<RunStore>();

    private Requeues Requeues => services.GetRequiredService<Requeues>();

    private static bool IsOurs(Job? job) => job?.Type == typeof(PlatformRun);

    // Hangfire's filters are synchronous and run on threads of its own.
    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static void Wait(Task task) => task.GetAwaiter().GetResult();
}
