using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Engine;

/// <summary>The table <c>schedules</c>: what is scheduled, and up to where its due times are handled. Thread-safe.</summary>
internal sealed class ScheduleStore(PlatformDatabase database, TimeProvider clock)
{
    private const string Columns = "job_id, job_name, job_version, cron_expression, time_zone, misfire_policy AS misfire, state, next_due_at, last_due_at";

    /// <summary>Makes or changes a schedule; its due times are counted from now on.</summary>
    /// <returns>The name that the schedule had before, empty when it is new; null when a later version is in force.</returns>
    public async Task<string?> SetAsync(ScheduleDefinition schedule, CancellationToken cancellation)
    {
        var next = CronExpression.Parse(schedule.CronExpression, schedule.JobName).Next(clock.GetUtcNow(), TimeZones.Find(schedule.TimeZone));
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
            // An older version never overwrites a newer one: two servers may have read the row at different times. The
            // due time that is being waited for stays when only the policy or the name changed.
            """
            WITH before AS (SELECT job_id, job_name FROM jobplatform.schedules WHERE job_id = @JobId)
            INSERT INTO jobplatform.schedules AS s (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
            VALUES (@JobId, @JobName, @JobVersion, @CronExpression, @TimeZone, @misfire, @next)
            ON CONFLICT (job_id) DO UPDATE
               SET job_name = excluded.job_name, job_version = excluded.job_version, cron_expression = excluded.cron_expression,
                   time_zone = excluded.time_zone, misfire_policy = excluded.misfire_policy, state = 'active', updated_at = now(),
                   next_due_at = CASE WHEN s.state = 'active' AND s.cron_expression = excluded.cron_expression
                                       AND s.time_zone = excluded.time_zone AND s.next_due_at IS NOT NULL
                                      THEN s.next_due_at ELSE excluded.next_due_at END
             WHERE s.job_version <= excluded.job_version
            RETURNING coalesce((SELECT b.job_name FROM before b), '')
            """,
            new
            {
                schedule.JobId, schedule.JobName, schedule.JobVersion, schedule.CronExpression, schedule.TimeZone,
                misfire = schedule.Misfire.ToString().ToLowerInvariant(), next,
            }, cancellationToken: cancellation));
    }

    /// <summary>Stops a schedule; it stays, in that state, until it is set again.</summary>
    /// <returns>False when there is none of that version or an earlier one.</returns>
    public async Task<bool> StopAsync(long jobId, int jobVersion, ScheduleState state, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE jobplatform.schedules SET state = @state, job_version = @jobVersion, updated_at = now() WHERE job_id = @jobId AND job_version <= @jobVersion",
            new { jobId, jobVersion, state = state.ToString().ToLowerInvariant() }, cancellationToken: cancellation)) == 1;
    }

    /// <summary>Removes the schedule of a job, unless it was made for a later version of the row.</summary>
    /// <returns>Whether it is gone.</returns>
    public async Task<bool> RemoveAsync(long jobId, int upToVersion, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            """
            WITH removed AS (DELETE FROM jobplatform.schedules WHERE job_id = @jobId AND job_version <= @upToVersion RETURNING 1)
            SELECT EXISTS (SELECT FROM removed) OR NOT EXISTS (SELECT FROM jobplatform.schedules WHERE job_id = @jobId)
            """, new { jobId, upToVersion }, cancellationToken: cancellation));
    }

    /// <summary>The schedule of a job; null for none.</summary>
    public async Task<EngineSchedule?> FindAsync(long jobId, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<EngineSchedule>(new CommandDefinition(
            $"SELECT {Columns} FROM jobplatform.schedules WHERE job_id = @jobId", new { jobId }, cancellationToken: cancellation));
    }

    /// <summary>All schedules, in the order of their jobs.</summary>
    public async Task<IReadOnlyList<EngineSchedule>> ListAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<EngineSchedule>(new CommandDefinition(
            $"SELECT {Columns} FROM jobplatform.schedules ORDER BY job_id", cancellationToken: cancellation))).AsList();
    }
}
