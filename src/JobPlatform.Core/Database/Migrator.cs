using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Npgsql;

namespace JobPlatform.Core.Database;

/// <summary>One numbered migration; <see cref="Checksum"/> is the SHA-256 of its text.</summary>
public sealed record Migration(int Number, string Name, string Sql, string Checksum);

/// <summary>A migration that cannot be applied; the message says which, why and what to do.</summary>
public sealed class MigrationException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Brings the schema <c>jobplatform</c> up to date: numbered SQL files, each applied once in a transaction of its own,
/// under an advisory lock that ends with it, so that servers that start together do it once, behind a transaction pooler
/// too. A file that changed after it was applied stops the start.
/// </summary>
public static class Migrator
{
    // Any constant will do; it is "jobplatf" in ASCII.
    private const long LockKey = 0x6a6f62706c617466;

    /// <summary>The migrations of this build, in order.</summary>
    public static IReadOnlyList<Migration> Migrations { get; } = Load();

    /// <summary>Applies what is missing and returns the names of what it applied.</summary>
    /// <exception cref="MigrationException">A migration failed, or an applied one differs from this build's.</exception>
    public static async Task<IReadOnlyList<string>> MigrateAsync(NpgsqlDataSource source, CancellationToken cancellation = default)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        var done = new List<string>();
        foreach (var migration in Check(await ReadAppliedAsync(connection, cancellation)).ToList())
            if (await ApplyAsync(connection, migration, cancellation)) done.Add(migration.Name);
        return done;
    }

    /// <summary>The migrations that are still to be applied; changes nothing.</summary>
    /// <exception cref="MigrationException">An applied migration differs from this build's.</exception>
    public static async Task<IReadOnlyList<Migration>> FindPendingAsync(NpgsqlDataSource source, CancellationToken cancellation = default)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        return Check(await ReadAppliedAsync(connection, cancellation)).ToList();
    }

    private static IEnumerable<Migration> Check(Dictionary<int, Applied> applied)
    {
        foreach (var migration in Migrations)
        {
            if (!applied.TryGetValue(migration.Number, out var earlier))
                yield return migration;
            else if (earlier.Checksum != migration.Checksum)
                throw new MigrationException(
                    $"Migration {migration.Name} was changed after it was applied ({earlier.AppliedAt:yyyy-MM-dd HH:mm} UTC). " +
                    "Restore its text and put the change into a new migration.");
        }
    }

    private static async Task<Dictionary<int, Applied>> ReadAppliedAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        // Not to_regclass: it touches no table, and so may go by what this transaction knew before it waited for the lock.
        var exists = await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'jobplatform' AND tablename = 'migrations')", cancellationToken: cancellation));
        if (!exists) return [];
        var rows = await connection.QueryAsync<Applied>(new CommandDefinition(
            "SELECT number, checksum, applied_at FROM jobplatform.migrations", cancellationToken: cancellation));
        return rows.ToDictionary(row => row.Number);
    }

    /// <returns>False when another process has applied it meanwhile.</returns>
    private static async Task<bool> ApplyAsync(NpgsqlConnection connection, Migration migration, CancellationToken cancellation)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        try
        {
            await connection.ExecuteAsync(new CommandDefinition("SELECT pg_advisory_xact_lock(@LockKey)", new { LockKey },
                transaction, commandTimeout: 0, cancellationToken: cancellation));
            if (!Check(await ReadAppliedAsync(connection, cancellation)).Contains(migration)) return false;
            await connection.ExecuteAsync(new CommandDefinition(
                """
                CREATE SCHEMA IF NOT EXISTS jobplatform;
                CREATE TABLE IF NOT EXISTS jobplatform.migrations (
                    number     integer PRIMARY KEY,
                    name       text NOT NULL,
                    checksum   text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now());
                """, transaction: transaction, cancellationToken: cancellation));
            await connection.ExecuteAsync(new CommandDefinition(
                migration.Sql, transaction: transaction, commandTimeout: 0, cancellationToken: cancellation));
            await connection.ExecuteAsync(new CommandDefinition(
                "INSERT INTO jobplatform.migrations (number, name, checksum) VALUES (@Number, @Name, @Checksum)",
                migration, transaction, cancellationToken: cancellation));
            await transaction.CommitAsync(cancellation);
            return true;
        }
        catch (PostgresException e)
        {
            var remedy = e.SqlState == PostgresErrorCodes.InsufficientPrivilege
                ? " Migrate with the owner's connection: set ConnectionStrings__Owner, or run 'jobplatform migrate' as the owner."
                : " Nothing of it was applied.";
            throw new MigrationException($"Migration {migration.Name} failed: {e.MessageText}.{remedy}", e);
        }
    }

    private static List<Migration> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        const string folder = ".Database.Migrations.";
        return assembly.GetManifestResourceNames()
            .Where(resource => resource.Contains(folder, StringComparison.Ordinal))
            .Select(resource =>
            {
                var name = resource[(resource.IndexOf(folder, StringComparison.Ordinal) + folder.Length)..^".sql".Length];
                var sql = EmbeddedText.Read(resource);
                return new Migration(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, sql,
                    Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sql))));
            })
            .OrderBy(migration => migration.Number)
            .ToList();
    }

    private sealed class Applied
    {
        public int Number { get; init; }
        public required string Checksum { get; init; }
        public DateTimeOffset AppliedAt { get; init; }
    }
}
