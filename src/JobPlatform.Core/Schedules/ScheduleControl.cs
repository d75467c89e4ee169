using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Jobs;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Schedules;

/// <summary>A schedule with what its job's runs of the last 24 hours came to. Immutable.</summary>
public sealed record ScheduleOverview
{
    /// <summary>What the engine has.</summary>
    public required EngineSchedule Schedule { get; init; }

    /// <summary>True when its job is gone.</summary>
    public bool IsOrphan { get; init; }

    /// <summary>Runs that were made in the last 24 hours, of at most the newest 1000.</summary>
    public int RunsLastDay { get; init; }

    /// <summary>True when there were more.</summary>
    public bool IsMore { get; init; }

    /// <summary>The share of those that succeeded among those that succeeded or failed, 0 to 1; null for none.</summary>
    public double? SuccessRateLastDay { get; init; }
}

/// <summary>A page of schedules, and how many the engine has in all. Immutable.</summary>
public sealed record ScheduleList
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<ScheduleOverview> Schedules { get; init; }

    /// <summary>Those that fire.</summary>
    public required int Active { get; init; }

    /// <summary>Those that wait for a resume.</summary>
    public required int Paused { get; init; }

    /// <summary>Those that were taken out.</summary>
    public required int Unscheduled { get; init; }

    /// <summary>Those whose jobs are gone; the others do not count them.</summary>
    public required int Orphans { get; init; }
}

/// <summary>What became of a change of a schedule. Immutable.</summary>
public abstract record ScheduleAnswer
{
    private ScheduleAnswer() { }

    /// <summary>It is as it was asked for.</summary>
    public sealed record Done : ScheduleAnswer;

    /// <summary>There is no such job.</summary>
    public sealed record Unknown(string Message) : ScheduleAnswer;

    /// <summary>The job has no schedule that this could be done to.</summary>
    public sealed record NotScheduled(string Message) : ScheduleAnswer;
}

/// <summary>What a purge could not remove, and why.</summary>
/// <param name="Job">The name of the job that is gone.</param>
/// <param name="Error">A sentence.</param>
public sealed record PurgeFailure(string Job, string Error);

/// <summary>What a purge of schedules did.</summary>
/// <param name="Purged">The names of the jobs that are gone.</param>
/// <param name="Failed">What is left.</param>
public sealed record SchedulePurge(IReadOnlyList<string> Purged, IReadOnlyList<PurgeFailure> Failed);

/// <summary>
/// Looks at the engine's schedules and changes them by hand. A change is in the audit log before the engine is told, as
/// the engine's part may not lie in this database; when it comes to nothing, a second entry says so. Thread-safe.
/// </summary>
public sealed partial class ScheduleControl(PlatformDatabase database, JobStore jobs, IJobEngine engine, AuditLog audit, TimeProvider clock, ILogger<ScheduleControl> log)
{
    private const int MostRuns = 1000;

    /// <summary>Schedules by the names of their jobs, after <paramref name="afterName"/>, at most <paramref name="limit"/>, and how many there are in all.</summary>
    public async Task<ScheduleList> ListAsync(string? afterName, int limit, CancellationToken cancellation = default)
    {
        var all = await engine.ListSchedulesAsync(cancellation);
        var page = all.OrderBy(schedule => schedule.JobName, StringComparer.Ordinal)
            .SkipWhile(schedule => afterName is not null && string.CompareOrdinal(schedule.JobName, afterName) <= 0).Take(limit).ToList();
        await using var connection = await database.OpenAsync(cancellation);
        await using var rows = await connection.QueryMultipleAsync(new CommandDefinition(
            """
            SELECT w.job_id FROM unnest(@allIds) AS w(job_id) WHERE NOT EXISTS (SELECT FROM jobplatform.jobs j WHERE j.id = w.job_id);
            SELECT w.job_id, f.runs, f.good, f.bad
              FROM unnest(@ids) AS w(job_id)
             CROSS JOIN LATERAL (
                SELECT count(*)::int AS runs, count(*) FILTER (WHERE status = 'success')::int AS good, count(*) FILTER (WHERE status = 'failed')::int AS bad
                  FROM (SELECT status FROM jobplatform.job_runs
                         WHERE job_id = w.job_id AND id >= jobplatform.uuid_v7_floor(@since) ORDER BY id DESC LIMIT @most) newest) f
            """,
            new
            {
                allIds = all.Select(schedule => schedule.JobId).ToArray(), ids = page.ConvertAll(schedule => schedule.JobId),
                since = clock.GetUtcNow().AddDays(-1), most = MostRuns + 1,
            }, cancellationToken: cancellation));
        var orphans = (await rows.ReadAsync<long>()).ToHashSet();
        var figures = (await rows.ReadAsync<(long JobId, int Runs, int Good, int Bad)>()).ToDictionary(row => row.JobId);
        var states = all.Where(schedule => !orphans.Contains(schedule.JobId)).CountBy(schedule => schedule.State).ToDictionary();
        return new()
        {
            Schedules = page.ConvertAll(schedule =>
            {
                var (_, runs, good, bad) = figures[schedule.JobId];
                return new ScheduleOverview
                {
                    Schedule = schedule,
                    IsOrphan = orphans.Contains(schedule.JobId),
                    RunsLastDay = Math.Min(runs, MostRuns),
                    IsMore = runs > MostRuns,
                    SuccessRateLastDay = good + bad == 0 ? null : (double)good / (good + bad),
                };
            }),
            Active = states.GetValueOrDefault(ScheduleState.Active),
            Paused = states.GetValueOrDefault(ScheduleState.Paused),
            Unscheduled = states.GetValueOrDefault(ScheduleState.Unscheduled),
            Orphans = orphans.Count,
        };
    }

    /// <summary>Stops the schedule until it is resumed or the job's definition changes.</summary>
    public Task<ScheduleAnswer> PauseAsync(string job, Actor actor, CancellationToken cancellation = default) =>
        StopAsync(job, ScheduleState.Paused, "schedule.paused", actor, cancellation);

    /// <summary>Takes the schedule out until it is resumed or the job's definition changes.</summary>
    public Task<ScheduleAnswer> UnscheduleAsync(string job, Actor actor, CancellationToken cancellation = default) =>
        StopAsync(job, ScheduleState.Unscheduled, "schedule.unscheduled", actor, cancellation);

    /// <summary>Sets the schedule going again; its due times are counted from now on.</summary>
    public async Task<ScheduleAnswer> ResumeAsync(string job, Actor actor, CancellationToken cancellation = default)
    {
        if (await jobs.FindAsync(job, cancellation) is not { } definition) return new ScheduleAnswer.Unknown(await jobs.DescribeUnknownAsync(job, cancellation));
        var (schedule, fault) = ScheduleSync.Define(definition);
        if (schedule is null) return new ScheduleAnswer.NotScheduled(fault!);
        await ChangeAsync("schedule.resumed", job, actor, async () =>
        {
            await engine.ScheduleAsync(schedule, cancellation);
            return true;
        }, cancellation);
        return new ScheduleAnswer.Done();
    }

    /// <summary>Removes the schedules whose jobs are gone, each by itself.</summary>
    public async Task<SchedulePurge> PurgeOrphansAsync(Actor actor, CancellationToken cancellation = default)
    {
        var (purged, failed) = (new List<string>(), new List<PurgeFailure>());
        foreach (var schedule in await engine.ListSchedulesAsync(cancellation))
        {
            try
            {
                if (await jobs.FindAsync(schedule.JobId, cancellation) is not null) continue;
                await ChangeAsync("schedule.purged", schedule.JobName, actor, async () =>
                {
                    await engine.UnscheduleAsync(schedule.JobId, int.MaxValue, cancellation);
                    return true;
                }, cancellation);
                purged.Add(schedule.JobName);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // One that cannot be removed keeps none of the others.
                LogNotPurged(schedule.JobName, e);
                failed.Add(new(schedule.JobName, "It could not be removed; the server's log says why."));
            }
        }
        return new(purged, failed);
    }

    private async Task<ScheduleAnswer> StopAsync(string job, ScheduleState state, string action, Actor actor, CancellationToken cancellation)
    {
        if (await jobs.FindAsync(job, cancellation) is not { } definition) return new ScheduleAnswer.Unknown(await jobs.DescribeUnknownAsync(job, cancellation));
        // Nothing is done to a job that can have none, and nothing written down.
        if (ScheduleSync.Define(definition) is (null, { } fault)) return new ScheduleAnswer.NotScheduled(fault);
        return await ChangeAsync(action, job, actor, () => engine.StopScheduleAsync(definition.Id, definition.Version, state, cancellation), cancellation)
            ? new ScheduleAnswer.Done()
            : new ScheduleAnswer.NotScheduled($"The job '{job}' has no schedule yet: it was made or changed this moment. Try again.");
    }

    private async Task<bool> ChangeAsync(string action, string job, Actor actor, Func<Task<bool>> change, CancellationToken cancellation)
    {
        await audit.AppendAsync(new(actor, action, job), cancellation);
        var isDone = false;
        try
        {
            return isDone = await change();
        }
        finally
        {
            // Whatever became of the caller meanwhile.
            if (!isDone) await audit.AppendAsync(new(actor, action, job) { Details = new { outcome = "not_done" } }, CancellationToken.None);
        }
    }

    [LoggerMessage(1203, LogLevel.Error, "The schedule of the job {Job}, which is gone, could not be removed")]
    private partial void LogNotPurged(string job, Exception exception);
}
