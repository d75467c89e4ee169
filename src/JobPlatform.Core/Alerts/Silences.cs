using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Schedules;
using Npgsql;

namespace JobPlatform.Core.Alerts;

/// <summary>A window in which nobody is told of alerts. Immutable.</summary>
public sealed record Silence
{
    /// <summary>The row's key.</summary>
    public long Id { get; init; }

    /// <summary>The job whose alerts are held back; null for all alerts.</summary>
    public long? JobId { get; init; }

    /// <summary>That job's name.</summary>
    public string? Job { get; init; }

    /// <summary>When it begins; null for one that recurs.</summary>
    public DateTimeOffset? StartsAt { get; init; }

    /// <summary>When it ends; null for one that recurs.</summary>
    public DateTimeOffset? EndsAt { get; init; }

    /// <summary>When it begins, again and again; null for one that is once.</summary>
    public string? CronExpression { get; init; }

    /// <summary>The zone of the cron expression.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>How long it is each time.</summary>
    public int? Minutes { get; init; }

    /// <summary>For people.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Who made it.</summary>
    public string CreatedBy { get; init; } = "";

    /// <summary>Whether it holds at a time. One whose expression or zone cannot be read never does: rather a mail too many.</summary>
    public bool Holds(DateTimeOffset now) => CronExpression is null
        ? StartsAt <= now && now < EndsAt
        : Schedules.CronExpression.TryParse(CronExpression, "silence", out var cron, out _) && TimeZones.TryFind(TimeZone, out var zone, out _)
          && cron.Next(now - TimeSpan.FromMinutes(Minutes ?? 0), zone) <= now;
}

/// <summary>The windows of silence. Thread-safe.</summary>
public sealed class Silences(PlatformDatabase database, AuditLog audit)
{
    private const string Columns =
        "s.id, s.job_id, j.name AS job, s.starts_at, s.ends_at, s.cron_expression, s.time_zone, s.minutes, s.reason, s.created_by FROM jobplatform.alert_silences s LEFT JOIN jobplatform.jobs j ON j.id = s.job_id";

    /// <summary>Those that hold now or will.</summary>
    public async Task<IReadOnlyList<Silence>> ListAsync(DateTimeOffset now, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<Silence>(new CommandDefinition(
            $"SELECT {Columns} WHERE s.ends_at > @now OR s.cron_expression IS NOT NULL ORDER BY s.id", new { now }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Makes one, and says so in the audit log.</summary>
    /// <param name="silence">Its window, its job's name (<see cref="Silence.Job"/>) and its reason.</param>
    /// <param name="actor">Who makes it.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Its key; or a sentence that says why not.</returns>
    public async Task<(long? Id, string? Fault)> AddAsync(Silence silence, Actor actor, CancellationToken cancellation = default)
    {
        if (silence.CronExpression is { } expression && !CronExpression.TryParse(expression, "silence", out _, out var fault)) return (null, fault);
        if (!TimeZones.TryFind(silence.TimeZone, out _, out fault)) return (null, fault);
        if (silence.CronExpression is null ? !(silence.EndsAt > silence.StartsAt) : silence.Minutes is not (>= 1 and <= 10_080))
            return (null, "A window of silence lasts from 1 minute to 7 days each time, or until an end that is after its start.");
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var id = await connection.QuerySingleOrDefaultAsync<long?>(new CommandDefinition(
            """
            INSERT INTO jobplatform.alert_silences (job_id, starts_at, ends_at, cron_expression, time_zone, minutes, reason, created_by)
            SELECT j.id, @StartsAt, @EndsAt, @CronExpression, @TimeZone, @Minutes, @Reason, @Name
              FROM (SELECT 1) one LEFT JOIN jobplatform.jobs j ON j.name = @Job WHERE @Job IS NULL OR j.id IS NOT NULL
            RETURNING id
            """,
            new { silence.StartsAt, silence.EndsAt, silence.CronExpression, silence.TimeZone, silence.Minutes, silence.Reason, silence.Job, actor.Name },
            transaction, cancellationToken: cancellation));
        if (id is null) return (null, $"There is no job '{silence.Job}'.");
        await audit.AppendAsync(connection, new(actor, "silence.created", silence.Job) { Details = new { Id = id, silence.StartsAt, silence.EndsAt, silence.CronExpression, silence.Minutes, silence.Reason } }, cancellation);
        await transaction.CommitAsync(cancellation);
        return (id, null);
    }

    /// <summary>Ends one at once, and says so in the audit log.</summary>
    /// <returns>False when there is none of that key.</returns>
    public async Task<bool> RemoveAsync(long id, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await connection.ExecuteAsync(new CommandDefinition("DELETE FROM jobplatform.alert_silences WHERE id = @id", new { id }, transaction, cancellationToken: cancellation)) == 0) return false;
        await audit.AppendAsync(connection, new(actor, "silence.deleted", null) { Details = new { Id = id } }, cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    /// <summary>Reads which alerts are held back now.</summary>
    internal static async Task<Func<long?, bool>> ReadAsync(NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellation)
    {
        var holding = (await connection.QueryAsync<Silence>(new CommandDefinition(
            $"SELECT {Columns} WHERE (s.starts_at <= @now AND s.ends_at > @now) OR s.cron_expression IS NOT NULL", new { now }, cancellationToken: cancellation)))
            .Where(silence => silence.Holds(now)).ToList();
        return jobId => holding.Exists(silence => silence.JobId is null || silence.JobId == jobId);
    }
}
