using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Handlers;

/// <summary>What every handler that deletes by age can be told.</summary>
public abstract record PurgeConfig
{
    /// <summary>Rows deleted in one transaction. Default 1000.</summary>
    [Range(1, 10_000), Description("Rows deleted in one transaction.")]
    public int BatchSize { get; init; } = 1000;

    /// <summary>The most rows that one run deletes, in all tables together; null for all that are due.</summary>
    [Range(1, long.MaxValue), Description("The most rows that one run deletes, in all tables together; the rest is the next run's.")]
    public long? MaxRows { get; init; }

    /// <summary>Counts instead of deleting.</summary>
    [Description("Change nothing; report what would be deleted.")]
    public bool DryRun { get; init; }
}

/// <summary>
/// Deletes rows in batches, each its own short transaction: an interrupted purge keeps what it did, and the next goes on.
/// </summary>
/// <param name="Source">The database.</param>
/// <param name="Table">For log and progress.</param>
/// <param name="CountSql">Counts what is due: <c>@before</c>.</param>
/// <param name="DeleteSql">Deletes at most <c>@limit</c> rows due at <c>@before</c> and returns how many.</param>
public sealed record Purge(NpgsqlDataSource Source, string Table, string CountSql, string DeleteSql)
{
    /// <summary>Deletes what is due, at most the config's <c>max_rows</c>, or counts it in a dry run.</summary>
    /// <returns>How many rows were deleted, or would be.</returns>
    public async Task<long> RunAsync(PurgeConfig config, DateTimeOffset before, RunContext run, CancellationToken cancellation)
    {
        await using var connection = await Source.OpenConnectionAsync(cancellation);
        if (config.DryRun)
        {
            var due = await connection.ExecuteScalarAsync<long>(new CommandDefinition(
                CountSql, new { before }, commandTimeout: 0, cancellationToken: cancellation));
            return Math.Min(due, config.MaxRows ?? long.MaxValue);
        }
        long deleted = 0;
        int limit, batch;
        do
        {
            cancellation.ThrowIfCancellationRequested();
            limit = (int)Math.Min(config.BatchSize, (config.MaxRows ?? long.MaxValue) - deleted);
            batch = limit == 0 ? 0 : await connection.ExecuteScalarAsync<int>(new CommandDefinition(
                DeleteSql, new { before, limit }, cancellationToken: cancellation));
            deleted += batch;
            run.ReportProgress(deleted, note: $"{Table}: {deleted:N0} rows deleted");
        }
        while (batch == limit && limit > 0);
        PurgeLog.Deleted(run.Logger, Table, deleted, before);
        return deleted;
    }
}

internal static partial class PurgeLog
{
    [LoggerMessage(1301, LogLevel.Information, "{Table}: {Deleted} rows older than {Before:yyyy-MM-dd HH:mm:ss} UTC deleted")]
    public static partial void Deleted(ILogger logger, string table, long deleted, DateTimeOffset before);
}
