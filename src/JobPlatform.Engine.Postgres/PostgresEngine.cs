using JobPlatform.Core.Engine;

namespace JobPlatform.Engine.Postgres;

/// <summary>The embedded engine's side of the port, in every process, whether it runs jobs or only submits them.</summary>
internal sealed class PostgresEngine(RunNotifier notifier, ScheduleStore schedules) : IJobEngine
{
    public string Name => "embedded";

    public Task SubmitAsync(IReadOnlyCollection<SubmittedRun> runs, CancellationToken cancellation) => notifier.NotifyOfRunsAsync(cancellation);

    public Task WithdrawAsync(Guid runId, CancellationToken cancellation) => notifier.NotifyOfCancelAsync(runId, cancellation);

    public async Task ScheduleAsync(ScheduleDefinition schedule, CancellationToken cancellation)
    {
        await schedules.SetAsync(schedule, cancellation);
        await notifier.NotifyOfSchedulesAsync(cancellation);
    }

    public Task UnscheduleAsync(long jobId, int upToVersion, CancellationToken cancellation) =>
        schedules.RemoveAsync(jobId, upToVersion, cancellation);

    public Task<bool> StopScheduleAsync(long jobId, int jobVersion, ScheduleState state, CancellationToken cancellation) =>
        schedules.StopAsync(jobId, jobVersion, state, cancellation);

    public Task<EngineSchedule?> FindScheduleAsync(long jobId, CancellationToken cancellation) => schedules.FindAsync(jobId, cancellation);

    public Task<IReadOnlyList<EngineSchedule>> ListSchedulesAsync(CancellationToken cancellation) => schedules.ListAsync(cancellation);

    public Task<string?> FindFaultAsync(CancellationToken cancellation) => notifier.FindFaultAsync(cancellation);
}
