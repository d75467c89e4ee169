using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Schedules;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Engine.Postgres;

/// <summary>The embedded engine's side of the port, in every process, whether it runs jobs or only submits them.</summary>
internal sealed partial class PostgresEngine(PlatformDatabase database, EngineSignals signals, TimeProvider clock, ILogger<PostgresEngine> log)
    : BackgroundService, IJobEngine
{
    private readonly Signal _notify = new();

    public string Name => "embedded";

    // NOTIFY inside the transaction that commits a run would make all commits of the database wait for each other
    // (PostgreSQL holds one lock from there until the commit is on disk). So it is sent afterwards, by one sender, that
    // makes one of all that came in meanwhile. A process that ends right away, such as a command, sends it itself.
    public Task SubmitAsync(IReadOnlyCollection<SubmittedRun> runs, CancellationToken cancellation)
    {
        if (ExecuteTask is null) return TryNotifyAsync("runs", cancellation);
        signals.Runs.Set();
        _notify.Set();
        return Task.CompletedTask;
    }

    public Task WithdrawAsync(Guid runId, CancellationToken cancellation) => TryNotifyAsync($"cancel {runId:D}", cancellation);

    public async Task ScheduleAsync(ScheduleDefinition schedule, CancellationToken cancellation)
    {
        var next = CronExpression.Parse(schedule.CronExpression, schedule.JobName).Next(clock.GetUtcNow(), TimeZones.Find(schedule.TimeZone));
        await using var connection = await database.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            // An older version never overwrites a newer one: two servers may have read the row at different times. The
            // due time that is being waited for stays when only the policy or the name changed.
            """
            INSERT INTO jobplatform.schedules AS s (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy, next_due_at)
            VALUES (@JobId, @JobName, @JobVersion, @CronExpression, @TimeZone, @misfire, @next)
            ON CONFLICT (job_id) DO UPDATE
               SET job_name = excluded.job_name, job_version = excluded.job_version, cron_expression = excluded.cron_expression,
                   time_zone = excluded.time_zone, misfire_policy = excluded.misfire_policy, state = 'active', updated_at = now(),
                   next_due_at = CASE WHEN s.state = 'active' AND s.cron_expression = excluded.cron_expression
                                       AND s.time_zone = excluded.time_zone AND s.next_due_at IS NOT NULL
                                      THEN s.next_due_at ELSE excluded.next_due_at END
             WHERE s.job_version <= excluded.job_version
            """,
            new
            {
                schedule.JobId, schedule.JobName, schedule.JobVersion, schedule.CronExpression, schedule.TimeZone,
                misfire = schedule.Misfire.ToString().ToLowerInvariant(), next,
            }, cancellationToken: cancellation));
        signals.Schedules.Set();
        await TryNotifyAsync("schedules", cancellation);
    }

    public async Task UnscheduleAsync(long jobId, int upToVersion, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM jobplatform.schedules WHERE job_id = @jobId AND job_version <= @upToVersion",
            new { jobId, upToVersion }, cancellationToken: cancellation));
    }

    public async Task<bool> StopScheduleAsync(long jobId, int jobVersion, ScheduleState state, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE jobplatform.schedules SET state = @state, job_version = @jobVersion, updated_at = now() WHERE job_id = @jobId AND job_version <= @jobVersion",
            new { jobId, jobVersion, state = state.ToString().ToLowerInvariant() }, cancellationToken: cancellation)) == 1;
    }

    public async Task<IReadOnlyList<EngineSchedule>> ListSchedulesAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<EngineSchedule>(new CommandDefinition(
            """
            SELECT job_id, job_name, job_version, cron_expression, time_zone, misfire_policy AS misfire, state, next_due_at, last_due_at
              FROM jobplatform.schedules ORDER BY job_id
            """, cancellationToken: cancellation))).AsList();
    }

    public async Task<string?> FindFaultAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        var workers = await connection.ExecuteScalarAsync<int>(new CommandDefinition(
            "SELECT count(*) FROM jobplatform.workers WHERE lease_until > clock_timestamp()", cancellationToken: cancellation));
        return workers > 0 ? null : "No worker is alive: nothing runs. Start one with 'jobplatform serve --role worker' (or all).";
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await _notify.WaitAsync(Timeout.InfiniteTimeSpan, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stoppingToken.IsCancellationRequested) await TryNotifyAsync("runs", CancellationToken.None);
        }
    }

    // What it tells is committed; that nobody hears of it only costs a wait, and is no failure of what was asked for.
    private async Task TryNotifyAsync(string payload, CancellationToken cancellation)
    {
        try
        {
            await using var command = database.Source.CreateCommand("SELECT pg_notify('jobplatform', $1)");
            command.Parameters.Add(new() { Value = payload });
            await command.ExecuteNonQueryAsync(cancellation);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            LogNotNotified(e);
        }
    }

    [LoggerMessage(2401, LogLevel.Warning, "Workers could not be told of a change; they find it by polling")]
    private partial void LogNotNotified(Exception exception);
}
