using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Core.Jobs;

/// <summary>Reads and switches jobs. Thread-safe.</summary>
public sealed class JobStore(PlatformDatabase database, AuditLog audit)
{
    /// <summary>The job of that name, null when there is none.</summary>
    public Task<Job?> FindAsync(string name, CancellationToken cancellation = default) =>
        FindAsync("j.name = @name", new { name }, cancellation);

    /// <summary>The job of that id, null when there is none.</summary>
    public Task<Job?> FindAsync(long id, CancellationToken cancellation = default) =>
        FindAsync("j.id = @id", new { id }, cancellation);

    /// <summary>The name of the job of a handler: the one that is called like it, else the first by name; null for none.</summary>
    public async Task<string?> FindOfHandlerAsync(string handler, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
            "SELECT name FROM jobplatform.jobs WHERE handler = @handler ORDER BY name = handler DESC, name LIMIT 1",
            new { handler }, cancellationToken: cancellation));
    }

    /// <summary>All definitions after <paramref name="afterId"/>, by id, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<Job>> ListDefinitionsAsync(long afterId, int limit, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<Job>(new CommandDefinition(
            $"SELECT {Job.Columns} FROM jobplatform.jobs j WHERE j.id > @afterId ORDER BY j.id LIMIT @limit",
            new { afterId, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Enables or disables; returns the job as it is then, null when there is none of that name.</summary>
    /// <param name="name">The job's name.</param>
    /// <param name="isEnabled">What it shall be.</param>
    /// <param name="actor">Who did it, for <c>job_versions</c> and the audit log.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public async Task<Job?> SetEnabledAsync(string name, bool isEnabled, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ActAsAsync(actor.Name, cancellation);
        var before = await connection.QuerySingleOrDefaultAsync<bool?>(new CommandDefinition(
            "SELECT is_enabled FROM jobplatform.jobs WHERE name = @name FOR UPDATE", new { name }, transaction, cancellationToken: cancellation));
        var job = await connection.QuerySingleOrDefaultAsync<Job>(new CommandDefinition(
            $"UPDATE jobplatform.jobs j SET is_enabled = @isEnabled WHERE j.name = @name RETURNING {Job.Columns}",
            new { name, isEnabled }, transaction, cancellationToken: cancellation));
        if (before == !isEnabled)
            await audit.AppendAsync(connection, new(actor, isEnabled ? "job.enabled" : "job.disabled", name)
            {
                Details = AuditEntry.Change(new { IsEnabled = before }, new { IsEnabled = isEnabled }),
            }, cancellation);
        await transaction.CommitAsync(cancellation);
        return job;
    }

    /// <summary>The id of the job <c>@job</c>; where there is none now, of the last that was deleted: its runs are still there.</summary>
    internal const string IdSql =
        """
        coalesce((SELECT id FROM jobplatform.jobs WHERE name = @job),
                 (SELECT job_id FROM jobplatform.job_versions WHERE is_deleted AND definition ->> 'name' = @job ORDER BY changed_at DESC LIMIT 1))
        """;

    /// <summary>Whether there is, or was until versions were purged, a job of that name.</summary>
    public async Task<bool> WasThereAsync(string name, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition($"SELECT {IdSql} IS NOT NULL", new { job = name }, cancellationToken: cancellation));
    }

    /// <summary>The sentence for a name that no job has.</summary>
    public async Task<string> DescribeUnknownAsync(string name, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        // Names that share a beginning, and some others: enough for a typing error among thousands of jobs.
        var names = await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT name FROM jobplatform.jobs ORDER BY left(name, 3) = left(@name, 3) DESC, name LIMIT 500",
            new { name }, cancellationToken: cancellation));
        return $"There is no job '{name}'.{Suggestion.For(name, names)} 'jobplatform jobs list' shows them all.";
    }

    private async Task<Job?> FindAsync(string condition, object parameters, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<Job>(new CommandDefinition(
            $"SELECT {Job.Columns} FROM jobplatform.jobs j WHERE {condition}", parameters, cancellationToken: cancellation));
    }
}

/// <summary>Who changes a definition, told to the triggers that keep <c>job_versions</c>.</summary>
public static class ActorExtensions
{
    /// <summary>For the current transaction only.</summary>
    public static Task ActAsAsync(this NpgsqlConnection connection, string actor, CancellationToken cancellation) =>
        connection.ExecuteAsync(new CommandDefinition(
            "SELECT set_config('jobplatform.actor', @actor, true)", new { actor }, cancellationToken: cancellation));
}
