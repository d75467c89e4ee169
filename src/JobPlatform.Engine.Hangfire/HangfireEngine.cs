using Hangfire;
using Hangfire.States;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Engine.Hangfire;

/// <summary>The Hangfire engine's side of the port, in every process, whether it runs jobs or only submits them.</summary>
internal sealed class HangfireEngine(
    PlatformDatabase database, HangfireParts hangfire, RecurringJobs recurring, RunNotifier notifier, ScheduleStore schedules) : IJobEngine
{
    public string Name => "hangfire";

    // A worker that hears of it hands it over to Hangfire: it has threads to wake, and a caller need not wait for the
    // seven round trips that a job of Hangfire costs.
    public Task SubmitAsync(IReadOnlyCollection<SubmittedRun> runs, CancellationToken cancellation) => notifier.NotifyOfRunsAsync(cancellation);

    public async Task WithdrawAsync(Guid runId, CancellationToken cancellation)
    {
        await notifier.NotifyOfCancelAsync(runId, cancellation);
        await using var command = database.Source.CreateCommand(
            "SELECT engine_ref FROM jobplatform.job_runs WHERE id = $1 AND engine_ref <> '' AND finished_at IS NOT NULL");
        command.Parameters.Add(new() { Value = runId });
        if (await command.ExecuteScalarAsync(cancellation) is string reference)
            await Task.Run(() => hangfire.Client.ChangeState(reference, new DeletedState { Reason = "The run was canceled." }), cancellation);
    }

    public async Task ScheduleAsync(ScheduleDefinition schedule, CancellationToken cancellation)
    {
        if (await schedules.SetAsync(schedule, cancellation) is not { } before) return;
        await Task.Run(() =>
        {
            if (before.Length > 0 && before != schedule.JobName) recurring.Remove(before);
            recurring.Set(schedule);
        }, cancellation);
        await notifier.NotifyOfSchedulesAsync(cancellation);
    }

    // The row first: a ring in between finds it stopped, and does nothing.
    public async Task<bool> StopScheduleAsync(long jobId, int jobVersion, ScheduleState state, CancellationToken cancellation)
    {
        if (!await schedules.StopAsync(jobId, jobVersion, state, cancellation)) return false;
        await RemoveAsync(jobId, cancellation);
        return true;
    }

    public async Task UnscheduleAsync(long jobId, int upToVersion, CancellationToken cancellation)
    {
        if (await schedules.RemoveAsync(jobId, upToVersion, cancellation)) await RemoveAsync(jobId, cancellation);
    }

    public async Task<EngineSchedule?> FindScheduleAsync(long jobId, CancellationToken cancellation) =>
        await schedules.FindAsync(jobId, cancellation) is { } schedule
            ? Compare(schedule, (await recurring.FindAsync(schedule.JobName, cancellation)).Where(entry => entry.JobId == jobId))
            : null;

    /// <summary>
    /// What Hangfire has against what was asked of it. One that Hangfire lacks, or has differently, has no next due time, so
    /// that the next comparison sets it; one that only Hangfire has is an orphan as soon as its job is gone.
    /// </summary>
    public async Task<IReadOnlyList<EngineSchedule>> ListSchedulesAsync(CancellationToken cancellation)
    {
        var entries = (await recurring.ListAsync(cancellation)).ToLookup(entry => entry.JobId);
        var wanted = await schedules.ListAsync(cancellation);
        var present = wanted.Select(schedule => Compare(schedule, entries[schedule.JobId]));
        var known = wanted.Select(schedule => schedule.JobId).ToHashSet();
        var left = entries.Where(group => !known.Contains(group.Key)).Select(group => new EngineSchedule
        {
            JobId = group.Key, JobName = group.First().JobName, CronExpression = group.First().Ring.Cron, TimeZone = group.First().Ring.TimeZone,
        });
        return [.. present, .. left];
    }

    public async Task<string?> FindFaultAsync(CancellationToken cancellation) =>
        await HangfireSchema.FindFaultAsync(database, cancellation) ?? await notifier.FindFaultAsync(cancellation);

    private EngineSchedule Compare(EngineSchedule schedule, IEnumerable<RecurringEntry> entries) =>
        schedule.State != ScheduleState.Active || recurring.IsInForce(schedule, entries) ? schedule : schedule with { NextDueAt = null };

    private async Task RemoveAsync(long jobId, CancellationToken cancellation)
    {
        foreach (var name in (await recurring.ListAsync(cancellation)).Where(entry => entry.JobId == jobId).Select(entry => entry.JobName).Distinct())
            await Task.Run(() => recurring.Remove(name), cancellation);
    }
}
