using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Settings;

namespace JobPlatform.Core.Runs;

/// <summary>What is done to many runs at once.</summary>
public enum BulkAction
{
    /// <summary>Ends those that have not ended.</summary>
    Cancel,

    /// <summary>Runs those again that failed, were canceled or skipped.</summary>
    Retry,

    /// <summary>Deletes those that have ended, with their logs.</summary>
    Delete,
}

/// <summary>What would be done; nothing is until it is confirmed. Immutable.</summary>
/// <param name="Count">How many runs it is about, at most what one call does.</param>
/// <param name="IsMore">True when there are more, which another call does.</param>
/// <param name="Confirm">To be sent back within five minutes with the same filter.</param>
public sealed record BulkOffer(int Count, bool IsMore, string Confirm);

/// <summary>What was done. Immutable.</summary>
/// <param name="Done">Runs that it was done to.</param>
/// <param name="Failed">Runs that it was not done to.</param>
/// <param name="Failures">Why, the first few.</param>
public sealed record BulkResult(int Done, int Failed, IReadOnlyList<string> Failures)
{
    /// <summary>
    /// Not empty when nothing was done: a payload among those to be run again lets a destructive handler delete more, and
    /// the actor may not (<see cref="Actor.MayWiden"/>).
    /// </summary>
    public IReadOnlyList<ConfigFault> TooWide { get; init; } = [];
}

/// <summary>
/// Cancels, retries and deletes many runs, in two steps: the first counts, the second carries what the first has given
/// out and does it, to no more runs than were counted and to none that came later. In batches, each audited in its own
/// transaction; what was done when it is interrupted stays done. Thread-safe.
/// </summary>
public sealed class BulkRuns(
    PlatformDatabase database, RunStore runs, RunRetrier retrier, HandlerCatalog handlers, IJobEngine engine, SecretBox box, AuditLog audit, TimeProvider clock)
{
    private const int Most = 10_000;
    // Each is checked and enqueued by itself, some 3 ms.
    private const int MostRetries = 1000;
    private const int Batch = 500;
    private const int MostFailures = 20;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>Counts.</summary>
    public async Task<BulkOffer> OfferAsync(BulkAction action, RunFilter filter, Actor actor, CancellationToken cancellation = default)
    {
        var at = clock.GetUtcNow();
        var ids = await FindAsync(action, filter, at, cancellation);
        var most = MostOf(action);
        var ticket = new Ticket(filter, Math.Min(ids.Count, most), ids.Count > most, at);
        return new(ticket.Count, ticket.IsMore,
            Base64Url.EncodeToString(box.Seal(Purpose(action, actor), JsonSerializer.Serialize(ticket, PlatformJson.Options))));
    }

    /// <summary>Does what was counted.</summary>
    /// <returns>What was done; or a sentence that says why nothing was.</returns>
    public async Task<(BulkResult? Result, string? Refusal)> ConfirmAsync(
        BulkAction action, RunFilter filter, string confirm, Actor actor, CancellationToken cancellation = default)
    {
        if (Open(action, confirm, actor) is not { } ticket || ticket.Filter != filter)
            return (null, "confirm: it is not what this call gave out for this filter. Ask without it first, and send what comes back with the same filter.");
        if (clock.GetUtcNow() - ticket.At > Lifetime) return (null, "confirm: it is older than five minutes. Ask without it again.");
        var ids = await FindAsync(action, filter, ticket.At, cancellation);
        if (ids.Count > ticket.Count && !ticket.IsMore)
            return (null, $"confirm: {ticket.Count} runs were counted, and now there are {ids.Count}. Ask without it again.");
        var chosen = ids.Take(ticket.Count).ToList();
        if (action == BulkAction.Retry && !actor.MayWiden && await FindWiderAsync(chosen, cancellation) is { Count: > 0 } bounds)
            return (new(0, chosen.Count, []) { TooWide = bounds }, null);
        var failures = new List<string>();
        var (done, failed) = (0, 0);
        foreach (var batch in chosen.Chunk(Batch))
        {
            var count = action switch
            {
                BulkAction.Cancel => await CancelAsync(batch, filter, actor, cancellation),
                BulkAction.Delete => await DeleteAsync(batch, filter, actor, cancellation),
                _ => await RetryAsync(batch, failures, actor, cancellation),
            };
            done += count;
            failed += batch.Length - count;
        }
        return (new(done, failed, failures), null);
    }

    private async Task<IReadOnlyList<Guid>> FindAsync(BulkAction action, RunFilter filter, DateTimeOffset at, CancellationToken cancellation)
    {
        // The first: each part finds its own partial index.
        var fits = action switch
        {
            BulkAction.Cancel => "(r.status IN ('queued', 'retrying') AND r.limited OR r.status IN ('queued', 'retrying') AND NOT r.limited OR r.status = 'running')",
            // Not those that are retried already: the next call goes on where this one ended, and one that is repeated does nothing.
            BulkAction.Retry => "r.status IN ('failed', 'canceled', 'skipped') AND NOT EXISTS (SELECT FROM jobplatform.job_runs n WHERE n.retry_of = r.id)",
            _ => "r.finished_at IS NOT NULL",
        };
        var parameters = filter.ToParameters();
        parameters.Add("at", at);
        parameters.Add("most", MostOf(action) + 1);
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<Guid>(new CommandDefinition(
            $"SELECT r.id FROM jobplatform.job_runs r WHERE {filter.ToSql()} AND {fits} AND r.id < jobplatform.uuid_v7_floor(@at) ORDER BY r.id LIMIT @most",
            parameters, cancellationToken: cancellation))).AsList();
    }

    private async Task<int> CancelAsync(Guid[] ids, RunFilter filter, Actor actor, CancellationToken cancellation)
    {
        IReadOnlyList<(Guid Id, bool IsRunning)> canceled;
        await using (var connection = await database.OpenAsync(cancellation))
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            canceled = await runs.CancelAsync(connection, ids, actor, cancellation);
            await audit.AppendAsync(connection, new(actor, "run.bulk_cancel", filter.Job) { Details = new { filter, canceled = canceled.Count } }, cancellation);
            await transaction.CommitAsync(cancellation);
        }
        foreach (var (id, _) in canceled) await engine.WithdrawAsync(id, cancellation);
        return canceled.Count;
    }

    private async Task<int> DeleteAsync(Guid[] ids, RunFilter filter, Actor actor, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var deleted = await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM jobplatform.job_runs WHERE id = ANY (@ids) AND finished_at IS NOT NULL", new { ids }, transaction, cancellationToken: cancellation));
        await audit.AppendAsync(connection, new(actor, "run.bulk_delete", filter.Job) { Details = new { filter, deleted } }, cancellation);
        await transaction.CommitAsync(cancellation);
        return deleted;
    }

    private async Task<int> RetryAsync(Guid[] ids, List<string> failures, Actor actor, CancellationToken cancellation)
    {
        var done = 0;
        foreach (var id in ids)
        {
            var failure = await retrier.RetryAsync(id, null, force: false, actor, cancellation) switch
            {
                RetryAnswer.Asked { Answer: RunAnswer.Enqueued } => null,
                RetryAnswer.Asked { Answer: RunAnswer.UnknownJob unknown } => unknown.Message,
                RetryAnswer.Asked { Answer: RunAnswer.Disabled disabled } => disabled.Message,
                RetryAnswer.Asked { Answer: RunAnswer.InvalidPayload invalid } => string.Join(' ', invalid.Faults),
                RetryAnswer.Asked { Answer: RunAnswer.TooWide wide } => string.Join(' ', wide.Bounds),
                RetryAnswer.Alive alive => alive.Message,
                _ => "It is not there any more.",
            };
            if (failure is null) done++;
            else if (failures.Count < MostFailures) failures.Add($"{id}: {failure}");
        }
        return done;
    }

    // Before the first: half of them done and a password asked for would be hard to understand.
    private async Task<IReadOnlyList<ConfigFault>> FindWiderAsync(List<Guid> ids, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        var kinds = await connection.QueryAsync<(string Handler, string Config, string Payload)>(new CommandDefinition(
            """
            SELECT DISTINCT j.handler, j.config::text, r.payload::text FROM jobplatform.job_runs r JOIN jobplatform.jobs j ON j.id = r.job_id
             WHERE r.id = ANY (@ids) AND r.payload IS NOT NULL AND j.handler = ANY (@destructive)
            """,
            new { ids, destructive = handlers.All.Where(handler => handler.IsDestructive).Select(handler => handler.Key).ToArray() }, cancellationToken: cancellation));
        return [.. kinds.SelectMany(kind => Widening.OfRun(handlers.Find(kind.Handler), JsonElement.Parse(kind.Config), JsonElement.Parse(kind.Payload))).Distinct().Take(MostFailures)];
    }

    private Ticket? Open(BulkAction action, string confirm, Actor actor)
    {
        try
        {
            return JsonSerializer.Deserialize<Ticket>(box.Open(Purpose(action, actor), Base64Url.DecodeFromChars(confirm)), PlatformJson.Options);
        }
        catch (Exception e) when (e is FormatException or SecretBoxException or JsonException or CryptographicException)
        {
            // Whatever it is, it is not one of ours.
            return null;
        }
    }

    private static string Purpose(BulkAction action, Actor actor) => $"bulk {action} by {actor.Name}";

    private static int MostOf(BulkAction action) => action == BulkAction.Retry ? MostRetries : Most;

    private sealed record Ticket(RunFilter Filter, int Count, bool IsMore, DateTimeOffset At);
}
