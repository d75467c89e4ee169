using System.Text.Json;
using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Telemetry;
using Npgsql;

namespace JobPlatform.Core.Runs;

/// <summary>What somebody asks for. Immutable.</summary>
public sealed record RunRequest
{
    /// <summary>The job's name; or <see cref="JobId"/>.</summary>
    public string? JobName { get; init; }

    /// <summary>The job's key; or <see cref="JobName"/>.</summary>
    public long? JobId { get; init; }

    /// <summary>Why the run exists; not <see cref="RunTrigger.Cron"/>, which is the schedule's.</summary>
    public required RunTrigger Trigger { get; init; }

    /// <summary>Who asks, for the audit log; null for the platform itself, which leaves no entry.</summary>
    public Actor? Actor { get; init; }

    /// <summary>Who is said to ask, at most 200 characters.</summary>
    public string? TriggeredBy { get; init; }

    /// <summary>Keys laid over the job's config for this run; a JSON object.</summary>
    public JsonElement? Payload { get; init; }

    /// <summary>When it is to start; null for now.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>While a run with this key lives, a further one of the job is that run.</summary>
    public string? DedupKey { get; init; }

    /// <summary>The same key always means the same run, ended or not.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Runs although the job is disabled.</summary>
    public bool Force { get; init; }

    /// <summary>The ended run that this one retries.</summary>
    public Guid? RetryOf { get; init; }
}

/// <summary>The answer to a <see cref="RunRequest"/>, as a value.</summary>
public abstract record RunAnswer
{
    private RunAnswer() { }

    /// <summary>A run waits now.</summary>
    public sealed record Enqueued(Guid RunId) : RunAnswer;

    /// <summary>There was one already, by its dedup key or its idempotency key.</summary>
    public sealed record Existing(Guid RunId) : RunAnswer;

    /// <summary>No job has that name or key.</summary>
    public sealed record UnknownJob(string Message) : RunAnswer;

    /// <summary>The job is disabled and force was not given.</summary>
    public sealed record Disabled(string Message) : RunAnswer;

    /// <summary>The payload does not fit the handler's config.</summary>
    public sealed record InvalidPayload(IReadOnlyList<ConfigFault> Faults) : RunAnswer;

    /// <summary>The payload lets a destructive handler delete more, and the actor may not (<see cref="Administration.Actor.MayWiden"/>).</summary>
    public sealed record TooWide(IReadOnlyList<ConfigFault> Bounds) : RunAnswer;

    /// <summary>The idempotency key was used for something else.</summary>
    public sealed record KeyReused(string Message) : RunAnswer;
}

/// <summary>The one way by which runs come to be on demand. Thread-safe.</summary>
public sealed class RunEnqueuer(
    PlatformDatabase database, JobStore jobs, HandlerCatalog handlers, IJobEngine engine, AuditLog audit, TimeProvider clock)
{
    /// <summary>The most runs of one call of <see cref="EnqueueManyAsync"/>: a transaction of about a quarter of a second.</summary>
    public const int MostInBulk = 10_000;

    // The version in the condition makes the check that the payload passed hold for the row that is made; the job is
    // read, checked and enqueued in one round trip as long as its definition does not change.
    private const string Insert =
        """
        INSERT INTO jobplatform.job_runs (
            id, job_id, job_version, trigger, triggered_by, run_at, queue, priority, limited, forced, dedup_key, idempotency_key, payload, retry_of, created_at, traceparent)
        SELECT $1, j.id, j.version, $4, $5, $6, j.queue, j.priority, j.overlap_policy <> 'allow', $7, $8, $9, $10::jsonb, $11, $12, $13
          FROM jobplatform.jobs j
         WHERE j.id = $2 AND j.version = $3 AND (j.is_enabled OR $7)
        ON CONFLICT DO NOTHING
        """;

    // As above for many runs of one job: a row each of the two arrays.
    private const string InsertMany =
        """
        INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, triggered_by, run_at, queue, priority, limited, payload, created_at, traceparent)
        SELECT g.id, j.id, j.version, $4, $5, $6, j.queue, j.priority, j.overlap_policy <> 'allow', g.payload::jsonb, $7, $9
          FROM jobplatform.jobs j, unnest($1::uuid[], $8::text[]) AS g(id, payload)
         WHERE j.id = $2 AND j.version = $3 AND j.is_enabled
        """;

    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, Job> _byName = new(StringComparer.Ordinal);

    /// <summary>Checks the request, commits a run and tells the engine.</summary>
    public async Task<RunAnswer> EnqueueAsync(RunRequest request, CancellationToken cancellation = default)
    {
        for (var isFresh = false; ; isFresh = true)
        {
            var job = await FindJobAsync(request, isFresh, cancellation);
            if (job is null)
                return new RunAnswer.UnknownJob(request.JobName is { } name
                    ? await jobs.DescribeUnknownAsync(name, cancellation)
                    : $"There is no job with the id {request.JobId}.");
            if (isFresh && !job.IsEnabled && !request.Force)
                return new RunAnswer.Disabled($"The job '{job.Name}' is disabled. Enable it, or force the run.");
            if (FindFaults(job, request.Payload) is { Count: > 0 } faults)
            {
                if (isFresh) return new RunAnswer.InvalidPayload(faults);
                continue;
            }
            if (request.Actor is { MayWiden: false } && Widening.OfRun(handlers.Find(job.Handler), job.Config, request.Payload) is { Count: > 0 } bounds)
            {
                if (isFresh) return new RunAnswer.TooWide(bounds);
                continue;
            }

            var runId = Guid.CreateVersion7(clock.GetUtcNow());
            var runAt = request.RunAt ?? clock.GetUtcNow();
            if (await InsertAsync(runId, runAt, job, request, cancellation))
            {
                await engine.SubmitAsync([new SubmittedRun(runId, runAt, job.Queue)], cancellation);
                return new RunAnswer.Enqueued(runId);
            }
            if (await FindExistingAsync(job, request, cancellation) is { } existing) return existing;
            // Neither made nor there: the definition changed, or the run that held the key ended this moment.
        }
    }

    /// <summary>Commits many runs of one job together, all or none, and tells the engine once.</summary>
    /// <param name="jobName">The job.</param>
    /// <param name="trigger">Why the runs exist.</param>
    /// <param name="triggeredBy">Who asks.</param>
    /// <param name="payloads">One run each, at most <see cref="MostInBulk"/>; null for the job's own config.</param>
    /// <param name="runAt">When they are to start; null for now.</param>
    /// <param name="cancellation">Ends the wait; the runs may have been committed.</param>
    /// <returns>The runs in the order of the payloads; or none and why (faults carry the payload's number).</returns>
    public async Task<(IReadOnlyList<Guid> RunIds, RunAnswer? Refusal)> EnqueueManyAsync(string jobName, RunTrigger trigger, string? triggeredBy,
        IReadOnlyList<JsonElement?> payloads, DateTimeOffset? runAt = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payloads.Count, MostInBulk);
        var request = new RunRequest { JobName = jobName, Trigger = trigger };
        for (var isFresh = false; ; isFresh = true)
        {
            var job = await FindJobAsync(request, isFresh, cancellation);
            if (job is null) return ([], new RunAnswer.UnknownJob(await jobs.DescribeUnknownAsync(jobName, cancellation)));
            if (isFresh && !job.IsEnabled) return ([], new RunAnswer.Disabled($"The job '{jobName}' is disabled. Enable it first."));
            var faults = payloads.SelectMany((payload, number) =>
                FindFaults(job, payload).Select(fault => fault with { Field = $"[{number}].{fault.Field}" })).Take(100).ToList();
            if (faults.Count > 0)
            {
                if (isFresh) return ([], new RunAnswer.InvalidPayload(faults));
                continue;
            }

            var now = clock.GetUtcNow();
            var ids = new Guid[payloads.Count];
            for (var i = 0; i < ids.Length; i++) ids[i] = Guid.CreateVersion7(now);
            await using var connection = await database.OpenAsync(cancellation);
            await using var command = new NpgsqlCommand(InsertMany, connection)
            {
                Parameters =
                {
                    new() { Value = ids },
                    new() { Value = job.Id },
                    new() { Value = job.Version },
                    new() { Value = trigger.ToString().ToLowerInvariant() },
                    Text(triggeredBy),
                    new() { Value = (runAt ?? now).UtcDateTime },
                    new() { Value = now.UtcDateTime },
                    new() { Value = payloads.Select(payload => payload?.GetRawText()).ToArray(), NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Text },
                    Text(RunTrace.Current),
                },
            };
            if (await command.ExecuteNonQueryAsync(cancellation) < ids.Length) continue; // The definition changed.
            await engine.SubmitAsync([.. ids.Select(id => new SubmittedRun(id, runAt ?? now, job.Queue))], cancellation);
            return (ids, null);
        }
    }

    private IReadOnlyList<ConfigFault> FindFaults(Job job, JsonElement? payload)
    {
        if (payload is null) return [];
        if (payload.Value.ValueKind != JsonValueKind.Object)
            return [new("payload", $"a JSON {payload.Value.ValueKind.ToString().ToLowerInvariant()} is not an object such as {{\"days_to_keep\": 7}}.")];
        if (StorableJson.FindFaults(System.Text.Encoding.UTF8.GetBytes(payload.Value.GetRawText())) is { Count: > 0 } unusable) return unusable;
        // A handler that is not there fails the run with a sentence of its own; its payload cannot be checked here.
        return handlers.Find(job.Handler) is { } handler
            ? ConfigReader.Read(handler.ConfigType, job.Config, payload).Faults
            : [];
    }

    private async ValueTask<Job?> FindJobAsync(RunRequest request, bool isFresh, CancellationToken cancellation)
    {
        if (request.JobName is not { } name)
            return request.JobId is { } id ? await jobs.FindAsync(id, cancellation) : null;
        if (!isFresh && _byName.TryGetValue(name, out var known)) return known;
        var job = await jobs.FindAsync(name, cancellation);
        if (job is null) _byName.TryRemove(name, out _);
        else _byName[name] = job;
        return job;
    }

    private async Task<bool> InsertAsync(Guid runId, DateTimeOffset runAt, Job job, RunRequest request, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = request.Actor is null ? null : await connection.BeginTransactionAsync(cancellation);
        await using var command = new NpgsqlCommand(Insert, connection)
        {
            Parameters =
            {
                new() { Value = runId },
                new() { Value = job.Id },
                new() { Value = job.Version },
                new() { Value = request.Trigger.ToString().ToLowerInvariant() },
                Text(request.TriggeredBy),
                new() { Value = runAt.UtcDateTime },
                new() { Value = request.Force },
                Text(request.DedupKey),
                Text(request.IdempotencyKey),
                Text(request.Payload?.GetRawText()),
                new() { Value = (object?)request.RetryOf ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid },
                new() { Value = clock.GetUtcNow().UtcDateTime },
                Text(RunTrace.Current),
            },
        };
        var isMade = await command.ExecuteNonQueryAsync(cancellation) == 1;
        if (transaction is null || !isMade) return isMade;
        // The payload stands in the run.
        await audit.AppendAsync(connection, new(request.Actor!, request.RetryOf is null ? "job.run" : "run.retry", job.Name)
        {
            Details = new { RunId = runId, request.RetryOf, request.Force },
        }, cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    private async Task<RunAnswer?> FindExistingAsync(Job job, RunRequest request, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        if (request.IdempotencyKey is { } key)
        {
            var found = await connection.QuerySingleOrDefaultAsync<(Guid Id, bool IsSame)?>(new CommandDefinition(
                """
                SELECT id, job_id = @JobId AND payload IS NOT DISTINCT FROM @payload::jsonb
                  FROM jobplatform.job_runs WHERE idempotency_key = @key
                """,
                new { JobId = job.Id, payload = request.Payload?.GetRawText(), key }, cancellationToken: cancellation));
            if (found is { } earlier)
                return earlier.IsSame
                    ? new RunAnswer.Existing(earlier.Id)
                    : new RunAnswer.KeyReused("Idempotency-Key: it was used before for another job or payload. Take a new key for a new request.");
        }
        if (request.DedupKey is null) return null;
        var alive = await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
            """
            SELECT id FROM jobplatform.job_runs
             WHERE job_id = @JobId AND dedup_key = @DedupKey AND status IN ('queued', 'running', 'retrying')
            """, new { JobId = job.Id, request.DedupKey }, cancellationToken: cancellation));
        return alive is { } id ? new RunAnswer.Existing(id) : null;
    }

    private static NpgsqlParameter Text(string? value) =>
        new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text };
}
