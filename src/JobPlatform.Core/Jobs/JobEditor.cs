using System.Text.Json;
using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using Npgsql;

namespace JobPlatform.Core.Jobs;

/// <summary>What became of a change of a definition. Immutable.</summary>
public abstract record JobAnswer
{
    private JobAnswer() { }

    /// <summary>It was made; for a deletion, what was deleted.</summary>
    public sealed record Done(Job Job) : JobAnswer;

    /// <summary>There is no job of that name.</summary>
    public sealed record Unknown(string Message) : JobAnswer;

    /// <summary>The job has no such version.</summary>
    public sealed record UnknownVersion(string Message) : JobAnswer;

    /// <summary>Another job has the name already.</summary>
    public sealed record Exists(string Message) : JobAnswer;

    /// <summary>The job is at another version than the caller has seen.</summary>
    public sealed record Stale(string Message) : JobAnswer;

    /// <summary>It would let a destructive handler delete more, and the actor may not (<see cref="Actor.MayWiden"/>).</summary>
    public sealed record TooWide(IReadOnlyList<ConfigFault> Bounds) : JobAnswer;

    /// <summary>It must not be stored like that.</summary>
    public sealed record Invalid(IReadOnlyList<ConfigFault> Faults) : JobAnswer;
}

/// <summary>
/// Makes, changes and deletes definitions: checked as a whole, audited in the same transaction, refused where somebody
/// else was faster. Thread-safe.
/// </summary>
public sealed class JobEditor(PlatformDatabase database, JobStore jobs, JobDrafts drafts, AuditLog audit)
{
    /// <summary>Makes a job.</summary>
    /// <param name="draft">A JSON object with fields of <see cref="JobDefinition"/>; the others get their defaults.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public async Task<JobAnswer> CreateAsync(JsonElement draft, Actor actor, CancellationToken cancellation = default)
    {
        var (definition, faults) = await drafts.ReadAsync(draft, null, cancellation);
        if (faults.Count > 0) return new JobAnswer.Invalid(faults);
        if (!actor.MayWiden && drafts.FindWider(null, definition!) is { Count: > 0 } bounds) return new JobAnswer.TooWide(bounds);
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ActAsAsync(actor.Name, cancellation);
        var job = await connection.QuerySingleOrDefaultAsync<Job>(new CommandDefinition(
            $"""
            INSERT INTO jobplatform.jobs AS j (name, description, handler, cron_expression, time_zone, is_enabled, config, queue, priority, timeout_seconds,
                max_attempts, retry_delays, overlap_policy, max_concurrency, misfire_policy, notify_on_failure, missed_after_seconds, ping_url)
            VALUES (@Name, @Description, @Handler, @CronExpression, @TimeZone, @IsEnabled, @config::jsonb, @Queue, @Priority, @TimeoutSeconds,
                @MaxAttempts, @RetryDelays, @overlap, @MaxConcurrency, @misfire, @NotifyOnFailure, @MissedAfterSeconds, @PingUrl)
            ON CONFLICT (name) DO NOTHING
            RETURNING {Job.Columns}
            """, Columns(definition!), transaction, cancellationToken: cancellation));
        if (job is null) return Taken(definition!.Name);
        await audit.AppendAsync(connection, new(actor, "job.created", job.Name) { Details = AuditEntry.Change(null, Shown(job)) }, cancellation);
        await transaction.CommitAsync(cancellation);
        return new JobAnswer.Done(job);
    }

    /// <summary>Changes fields of a job.</summary>
    /// <param name="name">Its name, as it is before.</param>
    /// <param name="version">The version that the caller has seen; null for whatever it is.</param>
    /// <param name="patch">A JSON object with the fields that change; <c>config</c> is replaced as a whole.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public Task<JobAnswer> UpdateAsync(string name, int? version, JsonElement patch, Actor actor, CancellationToken cancellation = default) =>
        ChangeAsync(name, version, "job.updated", job => drafts.ReadAsync(patch, job, cancellation), actor, cancellation);

    /// <summary>Brings back an earlier version of a job's definition, as a new version. Its name stays as it is.</summary>
    public async Task<JobAnswer> RestoreAsync(string name, int? version, int number, Actor actor, CancellationToken cancellation = default)
    {
        var isKnown = true;
        var answer = await ChangeAsync(name, version, "job.restored", async job =>
        {
            var old = await FindVersionAsync(job.Id, number, cancellation);
            isKnown = old is not null;
            if (old is null) return new JobDraft(null, [new("version", "")]);
            var definition = old.Definition with { Name = job.Name };
            return new JobDraft(definition, await drafts.FindFaultsAsync(definition, cancellation));
        }, actor, cancellation);
        return isKnown ? answer : new JobAnswer.UnknownVersion($"The job '{name}' has no version {number}.");
    }

    /// <summary>Deletes a job: what waits is canceled, what runs is told to stop, and its history stays.</summary>
    public async Task<JobAnswer> DeleteAsync(string name, int? version, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ActAsAsync(actor.Name, cancellation);
        var job = await connection.QuerySingleOrDefaultAsync<Job>(new CommandDefinition(
            $"DELETE FROM jobplatform.jobs j WHERE j.name = @name AND (@version IS NULL OR j.version = @version) RETURNING {Job.Columns}",
            new { name, version }, transaction, cancellationToken: cancellation));
        if (job is null)
            return await jobs.FindAsync(name, cancellation) is { } other ? Stale(other, version) : new JobAnswer.Unknown(await jobs.DescribeUnknownAsync(name, cancellation));
        await audit.AppendAsync(connection, new(actor, "job.deleted", name) { Details = AuditEntry.Change(Shown(job), null) }, cancellation);
        await transaction.CommitAsync(cancellation);
        return new JobAnswer.Done(job);
    }

    /// <summary>A job's versions, newest first, before <paramref name="before"/>, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<JobVersion>> ListVersionsAsync(long jobId, int? before, int limit, CancellationToken cancellation = default) =>
        await ReadVersionsAsync("v.version < @before ORDER BY v.version DESC LIMIT @limit", new { jobId, before = before ?? int.MaxValue, limit }, cancellation);

    private async Task<JobVersion?> FindVersionAsync(long jobId, int number, CancellationToken cancellation) =>
        (await ReadVersionsAsync("v.version = @number", new { jobId, number }, cancellation)).SingleOrDefault();

    private async Task<IReadOnlyList<JobVersion>> ReadVersionsAsync(string condition, object parameters, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<JobVersion, Job, JobVersion>(new CommandDefinition(
            $"""
            SELECT v.version, v.changed_by, v.changed_at, {Job.Columns}
              FROM jobplatform.job_versions v, jsonb_populate_record(NULL::jobplatform.jobs, v.definition) j
             WHERE v.job_id = @jobId AND NOT v.is_deleted AND {condition}
            """, parameters, cancellationToken: cancellation),
            (version, job) => version with { Definition = job }, splitOn: "id")).AsList();
    }

    private async Task<JobAnswer> ChangeAsync(
        string name, int? version, string action, Func<Job, Task<JobDraft>> draft, Actor actor, CancellationToken cancellation)
    {
        while (true)
        {
            if (await jobs.FindAsync(name, cancellation) is not { } before) return new JobAnswer.Unknown(await jobs.DescribeUnknownAsync(name, cancellation));
            if (version is not null && before.Version != version) return Stale(before, version);
            // Checked without a lock; the version in the condition makes it hold for what is stored.
            var (definition, faults) = await draft(before);
            if (faults.Count > 0) return new JobAnswer.Invalid(faults);
            if (!actor.MayWiden && drafts.FindWider(before, definition!) is { Count: > 0 } bounds) return new JobAnswer.TooWide(bounds);
            if (await StoreAsync(before, definition!, action, actor, cancellation) is { } answer) return answer;
        }
    }

    // Null when somebody else was faster.
    private async Task<JobAnswer?> StoreAsync(Job before, JobDefinition definition, string action, Actor actor, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ActAsAsync(actor.Name, cancellation);
        var parameters = Columns(definition);
        parameters.Add("id", before.Id);
        parameters.Add("version", before.Version);
        Job? job;
        try
        {
            job = await connection.QuerySingleOrDefaultAsync<Job>(new CommandDefinition(
                $"""
                UPDATE jobplatform.jobs j
                   SET name = @Name, description = @Description, handler = @Handler, cron_expression = @CronExpression, time_zone = @TimeZone,
                       is_enabled = @IsEnabled, config = @config::jsonb, queue = @Queue, priority = @Priority, timeout_seconds = @TimeoutSeconds,
                       max_attempts = @MaxAttempts, retry_delays = @RetryDelays, overlap_policy = @overlap, max_concurrency = @MaxConcurrency,
                       misfire_policy = @misfire, notify_on_failure = @NotifyOnFailure, missed_after_seconds = @MissedAfterSeconds, ping_url = @PingUrl
                 WHERE j.id = @id AND j.version = @version
                RETURNING {Job.Columns}
                """, parameters, transaction, cancellationToken: cancellation));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return Taken(definition.Name);
        }
        if (job is null) return null;
        if (job.Version != before.Version)
            await audit.AppendAsync(connection, new(actor, action, job.Name) { Details = AuditEntry.Change(Shown(before), Shown(job)) }, cancellation);
        await transaction.CommitAsync(cancellation);
        return new JobAnswer.Done(job);
    }

    private static DynamicParameters Columns(JobDefinition definition)
    {
        var columns = new DynamicParameters(new
        {
            definition.Name, definition.Description, definition.Handler, definition.CronExpression, definition.TimeZone, definition.IsEnabled,
            definition.Queue, definition.Priority, definition.TimeoutSeconds, definition.MaxAttempts, definition.RetryDelays, definition.MaxConcurrency,
            definition.NotifyOnFailure, definition.MissedAfterSeconds, definition.PingUrl,
        });
        columns.Add("config", definition.Config.GetRawText());
        columns.Add("overlap", definition.Overlap.ToString().ToLowerInvariant());
        columns.Add("misfire", definition.Misfire.ToString().ToLowerInvariant());
        return columns;
    }

    // What changes by itself is no part of what somebody changed.
    private static JsonElement Shown(JobDefinition definition) => JsonSerializer.SerializeToElement(definition, PlatformJson.DeepOptions);

    private static JobAnswer.Exists Taken(string name) => new($"There is a job '{name}' already. Change that one, or choose another name.");

    private static JobAnswer.Stale Stale(Job job, int? version) =>
        new($"The job '{job.Name}' is at version {job.Version}, not {version}: somebody changed it meanwhile. Read it again.");
}

/// <summary>A version of a definition. Immutable.</summary>
public sealed record JobVersion
{
    /// <summary>Its number.</summary>
    public int Version { get; init; }

    /// <summary>Who made it.</summary>
    public required string ChangedBy { get; init; }

    /// <summary>When it came into force.</summary>
    public DateTimeOffset ChangedAt { get; init; }

    /// <summary>The definition.</summary>
    public JobDefinition Definition { get; init; } = null!;
}
