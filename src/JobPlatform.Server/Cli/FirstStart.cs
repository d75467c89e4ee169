using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;

namespace JobPlatform.Server.Cli;

/// <summary>
/// Once in the life of a database with sample data: each enabled job runs, so that every page has something to show.
/// </summary>
internal static class FirstStart
{
    /// <summary>Enables, enqueues and emits, in one transaction with the mark that it was done.</summary>
    /// <param name="session">The services.</param>
    /// <param name="events">SQL that emits the sample application's events, for the jobs that have no schedule.</param>
    /// <param name="cancellation">Ends it; nothing is done then.</param>
    /// <returns>Null when it was done before.</returns>
    public static async Task<(int Enabled, int Enqueued)?> RunAsync(Session session, string events, CancellationToken cancellation)
    {
        var handlers = session.Get<HandlerCatalog>().All;
        var app = session.Get<AppDatabase>();
        var missing = (await app.FindMissingAsync(handlers.SelectMany(handler => handler.Tables).ToHashSet(), cancellation)).ToHashSet();
        var complete = handlers.Where(handler => handler.MissingSettings.Count == 0 && !handler.Tables.Any(missing.Contains)).Select(handler => handler.Key).ToArray();

        await using var connection = await session.Get<PlatformDatabase>().OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ActAsAsync(Session.Actor.Name, cancellation);
        var isFirst = await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO jobplatform.app_settings (key, value, updated_by) VALUES ('first_start', to_jsonb(now()), @Actor)
            ON CONFLICT (key) DO NOTHING
            """, new { Actor = Session.Actor.Name }, transaction, cancellationToken: cancellation)) == 1;
        if (!isFirst) return null;

        // Jobs are made before the sample is there, and then disabled. What a person changed since has another version.
        var enabled = await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE jobplatform.jobs j SET is_enabled = true
             WHERE NOT j.is_enabled AND j.version = 1 AND j.handler = ANY(@complete)
               AND EXISTS (SELECT FROM jobplatform.job_versions v WHERE v.job_id = j.id AND v.version = 1 AND v.changed_by = 'init')
            """, new { complete }, transaction, cancellationToken: cancellation));
        var enqueued = await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, triggered_by, run_at, queue, priority, limited)
            SELECT jobplatform.uuid_v7(), j.id, j.version, 'manual', 'first-start', now(), j.queue, j.priority, j.overlap_policy <> 'allow'
              FROM jobplatform.jobs j WHERE j.is_enabled AND j.cron_expression IS NOT NULL
            """, transaction: transaction, cancellationToken: cancellation));
        await connection.ExecuteAsync(new CommandDefinition(events, transaction: transaction, cancellationToken: cancellation));
        // Sent by the commit; the few runs of one transaction need no sender of their own.
        await connection.ExecuteAsync(new CommandDefinition(
            "SELECT pg_notify('jobplatform', 'runs')", transaction: transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        return (enabled, enqueued);
    }
}
