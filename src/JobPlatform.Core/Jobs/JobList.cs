using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Jobs;

/// <summary>The orders of a list of jobs.</summary>
public enum JobSort
{
    /// <summary>By name.</summary>
    Name,

    /// <summary>By the next due time; what is not scheduled comes last.</summary>
    NextDue,

    /// <summary>The job whose last run ended latest comes first; those that never ran come last.</summary>
    LastRun,
}

/// <summary>Which jobs, in which order. Immutable.</summary>
public sealed record JobFilter
{
    /// <summary>A part of the name or the description, in any case; at most 200 characters.</summary>
    public string? Search { get; init; }

    /// <summary>Only enabled or only disabled ones.</summary>
    public bool? IsEnabled { get; init; }

    /// <summary>Only those of this handler.</summary>
    public string? Handler { get; init; }

    /// <summary>Only those whose last run ended so.</summary>
    public RunStatus? LastStatus { get; init; }

    /// <summary>The order.</summary>
    public JobSort Sort { get; init; }
}

/// <summary>The place in a list after which the next page begins.</summary>
/// <param name="Name">The name of the last job of the page before.</param>
/// <param name="At">What it is sorted by, where that is a time; null for none.</param>
public sealed record JobPlace(string Name, DateTimeOffset? At)
{
    /// <summary>The place after a job; null for the beginning.</summary>
    public static JobPlace? After(JobSort sort, JobOverview? job) => job is null ? null
        : new(job.Name, sort switch { JobSort.NextDue => job.NextDueAt, JobSort.LastRun => job.LastFinishedAt, _ => null });
}

/// <summary>Lists jobs with what their runs came to. Thread-safe.</summary>
public sealed class JobList(PlatformDatabase database)
{
    private const string Facts =
        """
        SELECT j.name, j.description, j.handler, j.cron_expression, j.time_zone, j.is_enabled, j.version, s.next_due_at,
               t.last_run_id, t.last_status, t.last_finished_at, t.last_duration_ms,
               coalesce(t.success_count, 0) AS success_count, coalesce(t.failed_count, 0) AS failed_count
          FROM jobplatform.jobs j
          LEFT JOIN jobplatform.schedules s ON s.job_id = j.id AND s.state = 'active'
          LEFT JOIN jobplatform.job_statistics t ON t.job_id = j.id
        """;

    // The last runs only of those that are shown: they lie apart from each other in the largest of all tables.
    private static string Show(string facts, string order) =>
        $"""
        SELECT f.*, {RunDetails.Short("CASE WHEN r.status = 'failed' THEN r.error ELSE coalesce(r.output, r.error) END")} AS last_result
          FROM ({facts}) f
          LEFT JOIN jobplatform.job_runs r ON r.id = f.last_run_id
         ORDER BY {order}
        """;

    /// <summary>One job, null when there is none of that name.</summary>
    public async Task<JobOverview?> FindAsync(string name, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<JobOverview>(new CommandDefinition(Show($"{Facts} WHERE j.name = @name", "name"), new { name }, cancellationToken: cancellation));
    }

    /// <summary>Jobs that fit, after a place, at most <paramref name="limit"/>.</summary>
    // By name, and by handler, along an index. The other orders sort what the filter leaves: definitions are few, and an
    // index on statistics would make every run's end write one entry more, to spare these lists some milliseconds.
    public async Task<IReadOnlyList<JobOverview>> ReadAsync(JobFilter filter, JobPlace? after, int limit, CancellationToken cancellation = default)
    {
        var conditions = new List<string> { "true" };
        if (filter.Search is not null) conditions.Add("(position(lower(@Search) IN j.name) > 0 OR position(lower(@Search) IN lower(j.description)) > 0)");
        if (filter.IsEnabled is not null) conditions.Add("j.is_enabled = @IsEnabled");
        if (filter.Handler is not null) conditions.Add("j.handler = @Handler");
        if (filter.LastStatus is not null) conditions.Add("t.last_status = @lastStatus");
        var (order, next) = filter.Sort switch
        {
            JobSort.NextDue => ("coalesce(next_due_at, 'infinity'), name", "(coalesce(s.next_due_at, 'infinity'), j.name) > (coalesce(@at::timestamptz, 'infinity'), @name)"),
            JobSort.LastRun => ("coalesce(last_finished_at, '-infinity') DESC, name",
                "(coalesce(t.last_finished_at, '-infinity') < coalesce(@at::timestamptz, '-infinity') OR (t.last_finished_at IS NOT DISTINCT FROM @at::timestamptz AND j.name > @name))"),
            _ => ("name", "j.name > @name"),
        };
        if (after is not null) conditions.Add(next);
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<JobOverview>(new CommandDefinition(
            Show($"{Facts} WHERE {string.Join(" AND ", conditions)} ORDER BY {order} LIMIT @limit", order),
            new
            {
                filter.Search, filter.IsEnabled, filter.Handler, lastStatus = filter.LastStatus?.ToWord(),
                name = after?.Name, at = after?.At?.UtcDateTime, limit,
            }, cancellationToken: cancellation))).AsList();
    }
}
