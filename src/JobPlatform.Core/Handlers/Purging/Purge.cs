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
    /// <summary>A further condition on a row, called <c>t</c>, such as <c>t.status = 'pending'</c>; it may look into other tables.</summary>
    public string Also { get; init; } = "true";

    /// <summary>For a table that rows leave by a function only: deletes the oldest <c>@limit</c> rows before <c>@before</c>, returns how many.</summary>
    public string? DeleteSql { get; init; }

    /// <summary>The table's name without its schema.</summary>
    public string Name => Table[(Table.IndexOf('.', StringComparison.Ordinal) + 1)..];

    // Age first: its rows are found by the index, the rest is looked at row by row.
    private string Due => $"t.{Age} < @before AND ({Also})";

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
            return new(gone, gone, after, SomebodyWaits: false);
        }
        // Looked at before they are locked: the rows between two that are due must not make those wait.
        var (looked, until) = await LookAsync(connection, after, limit, cancellation);
        if (looked.Count == 0) return new(0, 0, until, SomebodyWaits: false);

        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // A row that somebody holds is left to a later run: a batch never waits for anybody while it holds locks.
        await using var take = OnRows(connection, "SELECT t.ctid::text", "FOR UPDATE SKIP LOCKED", looked);
        var locked = new List<string>(looked.Count);
        await using (var reader = await take.ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation)) locked.Add(reader.GetString(0));
        // Judged again now that they are locked, by what is committed now: somebody may have given a chat its first
        // message between the look and the lock.
        await using var delete = OnRows(connection, "DELETE", "", locked);
        var deleted = locked.Count == 0 ? 0 : await delete.ExecuteNonQueryAsync(cancellation);
        var somebodyWaits = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())",
            transaction: transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        return new(looked.Count, deleted, until, somebodyWaits);
    }

    private async Task<(List<string> Rows, PurgePosition Until)> LookAsync(
        NpgsqlConnection connection, PurgePosition after, int limit, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT t.ctid::text, t.{Age} FROM {Table} t
             WHERE t.{Age} < @before AND (t.{Age}, t.ctid) > (@age, @row::tid)
             ORDER BY t.{Age}, t.ctid LIMIT @limit
            """, connection)
        {
            Parameters =
            {
                new("before", Before.UtcDateTime), new("limit", limit),
                new("row", after.Row), new("age", NpgsqlDbType.TimestampTz) { Value = after.Age },
            },
        };
        var rows = new List<string>(limit);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            rows.Add(reader.GetString(0));
            after = new(reader.GetDateTime(1), rows[^1]);
        }
        return (rows, after);
    }

    // Npgsql writes no arrays of tid: they go as text.
    private NpgsqlCommand OnRows(NpgsqlConnection connection, string verb, string suffix, List<string> rows) =>
        new($"{verb} FROM {Table} t WHERE t.ctid = ANY(@rows::tid[]) AND {Due} {suffix}", connection)
        {
            Parameters = { new("before", Before.UtcDateTime), new("rows", rows) },
        };
}

/// <summary>Where in the order of age a purge is.</summary>
internal readonly record struct PurgePosition(DateTime Age, string Row)
{
    public static PurgePosition Start { get; } = new(DateTime.MinValue, "(0,0)");
}

/// <summary>What one transaction did.</summary>
/// <param name="Looked">Rows that it looked at; fewer than asked for means that none is left.</param>
/// <param name="Deleted">Rows that are gone.</param>
/// <param name="Until">Where it ended.</param>
/// <param name="SomebodyWaits">Whether, while it held its locks, a session of the database waited for a lock.</param>
internal sealed record PurgeBatch(int Looked, int Deleted, PurgePosition Until, bool SomebodyWaits);
