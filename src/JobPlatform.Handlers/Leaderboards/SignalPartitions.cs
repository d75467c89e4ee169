using System.Globalization;
using Dapper;
using Npgsql;

namespace JobPlatform.Handlers.Leaderboards;

/// <summary>The monthly partitions of <c>signals</c>, named <c>signals_2026_01</c>; a month is one of UTC.</summary>
internal static class SignalPartitions
{
    /// <summary>The first of the month of a time.</summary>
    public static DateOnly MonthOf(DateTimeOffset at) => new(at.UtcDateTime.Year, at.UtcDateTime.Month, 1);

    /// <summary>The months that have a partition, in their order.</summary>
    public static async Task<List<DateOnly>> ListAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var names = await connection.QueryAsync<string>(new CommandDefinition(
            """
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = 'public.signals'::regclass AND c.relname ~ '^signals_\d{4}_(0[1-9]|1[0-2])$'
             ORDER BY 1
            """, cancellationToken: cancellation));
        return [.. names.Select(name => DateOnly.ParseExact(name["signals_".Length..], "yyyy_MM", CultureInfo.InvariantCulture))];
    }

    /// <summary>
    /// Makes the partitions of the months that lack one: by the application's <c>create_signals_partition(date)</c> where it
    /// has it, as only the owner of <c>signals</c> may, which the platform's role is not.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no such function, and the connection's role may not.</exception>
    public static async Task EnsureAsync(NpgsqlConnection connection, IEnumerable<DateOnly> months, CancellationToken cancellation)
    {
        var missing = months.Distinct().Except(await ListAsync(connection, cancellation)).Order().ToList();
        if (missing.Count == 0) return;
        var hasFunction = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT to_regprocedure('public.create_signals_partition(date)') IS NOT NULL", cancellationToken: cancellation));
        foreach (var month in missing)
        {
            try
            {
                if (hasFunction)
                    await connection.ExecuteAsync(new CommandDefinition(
                        $"SELECT public.create_signals_partition('{month:yyyy-MM-dd}')", cancellationToken: cancellation));
                else
                    await CreateAsync(connection, month, cancellation);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                throw new InvalidOperationException(
                    $"The partition {NameOf(month)} of public.signals could not be made ({e.MessageText}): only the table's owner may. " +
                    "Make the function public.create_signals_partition(date) as that owner, as deploy/sample/schema.sql has it, and let the role of ConnectionStrings__App execute it.", e);
            }
        }
    }

    private static async Task CreateAsync(NpgsqlConnection connection, DateOnly month, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        // Two that want the same month: the second waits, and then finds it. Made apart and attached: CREATE TABLE …
        // PARTITION OF would make every reader of signals wait.
        await connection.ExecuteAsync(new CommandDefinition(
            "SELECT pg_advisory_xact_lock(hashtextextended('leaderboard:partitions', 0))", transaction: transaction, cancellationToken: cancellation));
        if (!(await ListAsync(connection, cancellation)).Contains(month))
            await connection.ExecuteAsync(new CommandDefinition(
                $"""
                CREATE TABLE public.{NameOf(month)} (LIKE public.signals INCLUDING ALL);
                ALTER TABLE public.signals ATTACH PARTITION public.{NameOf(month)} FOR VALUES FROM ('{month:yyyy-MM-dd} 00:00Z') TO ('{month.AddMonths(1):yyyy-MM-dd} 00:00Z');
                """, transaction: transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>The partition's name, without its schema.</summary>
    public static string NameOf(DateOnly month) => string.Create(CultureInfo.InvariantCulture, $"signals_{month:yyyy_MM}");
}
