using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Core.Jobs;

/// <summary>What a seeding did.</summary>
/// <param name="Created">Names of the jobs that were made.</param>
/// <param name="Disabled">Those of them that were made disabled, each with the tables and settings that it lacks.</param>
public sealed record SeedResult(IReadOnlyList<string> Created, IReadOnlyDictionary<string, IReadOnlyList<string>> Disabled);

/// <summary>
/// Makes a job for each shipped handler whose gate is open. A row that exists is never touched: an operator's cron,
/// config and enabled flag survive every start. A handler whose tables or settings are missing gets a disabled job.
/// </summary>
public sealed class JobSeeder(PlatformDatabase database, AppDatabase app, HandlerCatalog handlers)
{
    /// <summary>Seeds; idempotent, safe when several servers do it at once.</summary>
    public async Task<SeedResult> SeedAsync(CancellationToken cancellation = default)
    {
        var created = new List<string>();
        var disabled = new Dictionary<string, IReadOnlyList<string>>();
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ActAsAsync("init", cancellation);
        foreach (var handler in handlers.All.Where(handler => handler.IsSeeded && handler.IsOpen))
        {
            string[] missing = [.. await app.FindMissingAsync(handler.Tables, cancellation), .. handler.MissingSettings];
            var made = await connection.ExecuteAsync(new CommandDefinition(
                """
                INSERT INTO jobplatform.jobs (name, description, handler, cron_expression, is_enabled, timeout_seconds, overlap_policy, max_concurrency, max_attempts, retry_delays)
                VALUES (@Key, @Description, @Key, @Cron, @isEnabled, @TimeoutSeconds, @overlap, @MaxConcurrency, @MaxAttempts, @RetryDelays)
                ON CONFLICT (name) DO NOTHING
                """,
                new
                {
                    handler.Key,
                    handler.Description,
                    handler.Cron,
                    isEnabled = missing.Length == 0,
                    handler.TimeoutSeconds,
                    handler.MaxConcurrency,
                    handler.MaxAttempts,
                    handler.RetryDelays,
                    // A due time comes again; what an event or a person asks for does not, so it waits.
                    overlap = handler.Cron is null || handler.EventPayload is not null ? "queue" : "skip",
                }, transaction, cancellationToken: cancellation));
            if (made == 0) continue;
            created.Add(handler.Key);
            if (missing.Length > 0) disabled[handler.Key] = missing;
        }
        await transaction.CommitAsync(cancellation);
        return new(created, disabled);
    }
}
