using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Runs;

/// <summary>A run as a mark in a row of many. Immutable.</summary>
public sealed record RunMark
{
    /// <summary>The job's name.</summary>
    public required string Job { get; init; }

    /// <summary>The run's key.</summary>
    public Guid Id { get; init; }

    /// <summary>The run's state.</summary>
    public RunStatus Status { get; init; }

    /// <summary>When the row was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>How long the last attempt took; null for one that has not ended or never began.</summary>
    public long? DurationMs { get; init; }
}

/// <summary>Reads the last runs of jobs, along the index of each job's runs. Thread-safe.</summary>
public sealed class RunHistory(PlatformDatabase database)
{
    /// <summary>The newest runs of each of the jobs, newest first; a job without runs is missing.</summary>
    /// <param name="jobs">The jobs' names.</param>
    /// <param name="count">How many of each at most.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public async Task<ILookup<string, RunMark>> ReadAsync(IReadOnlyCollection<string> jobs, int count, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<RunMark>(new CommandDefinition(
            """
            SELECT j.name AS job, r.id, r.status, r.created_at, r.duration_ms
              FROM jobplatform.jobs j
             CROSS JOIN LATERAL (SELECT id, status, created_at, duration_ms FROM jobplatform.job_runs
                                  WHERE job_id = j.id ORDER BY id DESC LIMIT @count) r
             WHERE j.name = ANY (@names)
             ORDER BY r.id DESC
            """, new { names = jobs.ToArray(), count }, cancellationToken: cancellation))).ToLookup(mark => mark.Job, StringComparer.Ordinal);
    }
}
