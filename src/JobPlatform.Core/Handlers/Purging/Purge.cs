using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Core.Handlers.Purging;

/// <summary>Which rows of one table go: those older than a time. Immutable.</summary>
/// <param name="Source">The database.</param>
/// <param name="Table">The table, with its schema; not partitioned. SQL of the handler, never of a caller.</param>
/// <param name="Age">The column by which rows are old; it leads an index. Rows without a value stay.</param>
/// <param name="Before">Rows older than this are due; a row of exactly this age stays.</param>
public sealed record Purge(NpgsqlDataSource Source, string Table, string Age, DateTimeOffset Before)
{
    /// <summary>A further condition on a row, called <c>t</c>, that asks its own columns only, such as <c>t.status = 'pending'</c>.</summary>
    public string Also { get; init; } = "true";

    /// <summary>A further condition on a row, called <c>t</c>, that looks into other tables; null for none. Its rows are locked before they are judged.</summary>
    public string? AlsoElsewhere { get; init; }

    /// <summary>For a table that rows leave by a function only: deletes the oldest <c>@limit</c> rows before <c>@before</c>, returns how many.</summary>
    public string? DeleteSql { get; init; }

    /// <summary>The table's name without its schema.</summary>
    public string Name => Table[(Table.IndexOf('.', StringComparison.Ordinal) + 1)..];

    // Age first: its rows are found by the index, the rest is looked at row by row.
    private string Due => $"t.{Age} < @before AND ({Also}) AND ({AlsoElsewhere ?? "true"})";

    // The rows of one batch, by a range of the index.
    private string OfBatch => $"FROM {Table} t WHERE (t.{Age}, t.ctid) > (@age, @row::tid) AND (t.{Age}, t.ctid) <= (@until_age, @until_row::tid) AND {Due}";

    internal Task<long> CountAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        connection.ExecuteScalarAsync<long>(new CommandDefinition(
            $"SELECT count(*) FROM {Table} t WHERE {Due}", new { before = Before }, commandTimeout: 0, cancellationToken: cancellation));

    /// <summary>Deletes what is due of the next <paramref name="limit"/> rows by age, in a transaction of its own.</summary>
    /// <param name="connection">An open connection.</param>
    /// <param name="after">The row that the batch before ended at. Without it each batch would step over the dead index
    /// entries of all before it, more with each.</param>
    /// <param name="limit">The most rows.</param>
    /// <param name="cancellation">Ends it; the batch is rolled back.</param>
    internal async Task<PurgeBatch> DeleteAsync(NpgsqlConnection connection, PurgePosition after, int limit, CancellationToken cancellation)
    {
        if (DeleteSql is not null)
        {
            var gone = await connection.ExecuteScalarAsync<int>(new CommandDefinition(DeleteSql, new { before = Before, limit }, cancellationToken: cancellation));
            return new(gone, after, IsLast: gone < limit, SomebodyWaits: false);
        }
        var end = await FindEndAsync(connection, after, limit, cancellation);
        var until = end ?? new(Before.UtcDateTime, "(0,0)");
        return await TryAtOnceAsync() ?? await RunAsync(
            // A row that somebody holds is left to a later run. The others are judged once more now that they are locked, by
            // what is committed now: somebody may have given a chat its first message between the two. Rows that this
            // transaction has locked carry its number.
            $"SELECT count(*) FROM (SELECT {OfBatch} FOR UPDATE SKIP LOCKED) locked; DELETE {OfBatch} AND t.xmax = pg_current_xact_id()::xid");

        // One statement, in which PostgreSQL itself judges again what changes meanwhile, is twice as fast. It waits for a row
        // that somebody holds; after 10 ms it is null, and nothing is deleted.
        async Task<PurgeBatch?> TryAtOnceAsync()
        {
            if (AlsoElsewhere is not null) return null;
            try
            {
                return await RunAsync($"SELECT set_config('lock_timeout', '10', true); DELETE {OfBatch}");
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                return null;
            }
        }

        // All in one round trip, which is one transaction.
        async Task<PurgeBatch> RunAsync(string sql)
        {
            await using var command = new NpgsqlCommand(
                $"{sql}; SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())", connection)
            {
                Parameters =
                {
                    new("before", Before.UtcDateTime), new("age", after.Age), new("row", after.Row), new("until_age", until.Age), new("until_row", until.Row),
                },
            };
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            await reader.NextResultAsync(cancellation);
            await reader.ReadAsync(cancellation);
            var somebodyWaits = reader.GetBoolean(0);
            await reader.CloseAsync();
            return new(reader.RecordsAffected, until, IsLast: end is null, somebodyWaits);
        }
    }

    // The last of the next rows by age; null where fewer are left.
    private Task<PurgePosition?> FindEndAsync(NpgsqlConnection connection, PurgePosition after, int limit, CancellationToken cancellation) =>
        connection.QuerySingleOrDefaultAsync<PurgePosition?>(new CommandDefinition(
            $"""
            SELECT t.{Age} AS age, t.ctid::text AS row FROM {Table} t
             WHERE t.{Age} < @before AND (t.{Age}, t.ctid) > (@age, @row::tid)
             ORDER BY t.{Age}, t.ctid OFFSET @limit - 1 LIMIT 1
            """, new { before = Before.UtcDateTime, age = after.Age, row = after.Row, limit }, cancellationToken: cancellation));
}

/// <summary>Where in the order of age a purge is.</summary>
internal sealed record PurgePosition(DateTime Age, string Row)
{
    public static PurgePosition Start { get; } = new(DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc), "(0,0)");
}

/// <summary>What one transaction did.</summary>
/// <param name="Deleted">Rows that are gone.</param>
/// <param name="Until">Where it ended.</param>
/// <param name="IsLast">Whether none is left behind it.</param>
/// <param name="SomebodyWaits">Whether, while it held its locks, a session of the database waited for a lock.</param>
internal sealed record PurgeBatch(int Deleted, PurgePosition Until, bool IsLast, bool SomebodyWaits);
