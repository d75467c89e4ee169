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

    /// <summary>Makes the partitions of the months that lack one.</summary>
    /// <returns>The names of those that were made.</returns>
    public static async Task<IReadOnlyList<string>> EnsureAsync(NpgsqlConnection connection, IEnumerable<DateOnly> months, CancellationToken cancellation)
    {
        var made = new List<string>();
        foreach (var month in months.Distinct().Except(await ListAsync(connection, cancellation)).Order())
        {
            var name = NameOf(month);
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            // Two that want the same month: the second waits, and then finds it. Made apart and attached: CREATE TABLE …
            // PARTITION OF would make every reader of signals wait.
            await connection.ExecuteAsync(new CommandDefinition(
                "SELECT pg_advisory_xact_lock(hashtextextended('leaderboard:partitions', 0))", transaction: transaction, cancellationToken: cancellation));
            if (!(await ListAsync(connection, cancellation)).Contains(month))
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    $"""
                    CREATE TABLE public.{name} (LIKE public.signals INCLUDING ALL);
                    ALTER TABLE public.signals ATTACH PARTITION public.{name} FOR VALUES FROM ('{month:yyyy-MM-dd} 00:00Z') TO ('{month.AddMonths(1):yyyy-MM-dd} 00:00Z');
                    """, transaction: transaction, cancellationToken: cancellation));
                made.Add(name);
            }
            await transaction.CommitAsync(cancellation);
        }
        return made;
    }

    /// <summary>The partition's name, without its schema.</summary>
    public static string NameOf(DateOnly month) => string.Create(CultureInfo.InvariantCulture, $"signals_{month:yyyy_MM}");
}
