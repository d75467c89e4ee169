using Hangfire.PostgreSql;
using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Engine.Hangfire;

/// <summary>Hangfire's own tables, beside the platform's in the same database.</summary>
public static class HangfireSchema
{
    /// <summary>The schema's name: our own, so that whatever else an application does with Hangfire in its database is not ours to run.</summary>
    public const string Name = "jobplatform_hangfire";

    // Of the tables of Hangfire.PostgreSql 1.21.1.
    private const int Version = 23;

    // By priority, as the runs are handed over; those that are handed over are not in it.
    private const string IndexAndRights =
        $"""
        CREATE INDEX IF NOT EXISTS job_runs_not_handed_over ON jobplatform.job_runs (priority, run_at, id)
         WHERE engine_ref IS NULL AND status IN ('queued', 'retrying');
        DO $$
        BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'jobplatform_service') THEN
                GRANT USAGE ON SCHEMA {Name} TO jobplatform_service;
                GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {Name} TO jobplatform_service;
                GRANT USAGE ON ALL SEQUENCES IN SCHEMA {Name} TO jobplatform_service;
            END IF;
        END
        $$
        """;

    /// <summary>
    /// Makes or updates the tables, the platform's index for this engine, and the service's rights. As the owner, after
    /// the platform's own migrations; idempotent, and one process at a time.
    /// </summary>
    public static async Task PrepareAsync(NpgsqlDataSource owner, CancellationToken cancellation = default)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        if (await IsPreparedAsync(connection, cancellation)) return;
        await ExecuteAsync(connection, "SELECT pg_advisory_lock(hashtext('jobplatform hangfire schema'))", cancellation);
        try
        {
            // Its transactions are serializable and quarrel when two processes install at once.
            PostgreSqlObjectsInstaller.Install(connection, Name);
            await ExecuteAsync(connection, IndexAndRights, cancellation);
        }
        finally
        {
            await ExecuteAsync(connection, "SELECT pg_advisory_unlock(hashtext('jobplatform hangfire schema'))", CancellationToken.None);
        }
    }

    /// <summary>Whether the tables are there and may be used; otherwise the sentence that says what to do.</summary>
    internal static async Task<string?> FindFaultAsync(PlatformDatabase database, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand($"SELECT to_regclass('{Name}.jobqueue') IS NOT NULL");
        return (bool)(await command.ExecuteScalarAsync(cancellation))!
            ? null : $"Hangfire's tables (schema {Name}) are missing: run 'jobplatform init', or set ENGINE=embedded.";
    }

    // The index comes last. Asked first, because the service, which may not make anything, starts where all is there.
    private static async Task<bool> IsPreparedAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var look = new NpgsqlCommand(
            $"SELECT to_regclass('{Name}.schema') IS NOT NULL AND to_regclass('jobplatform.job_runs_not_handed_over') IS NOT NULL", connection);
        if (!(bool)(await look.ExecuteScalarAsync(cancellation))!) return false;
        await using var version = new NpgsqlCommand($"SELECT max(version) >= {Version} FROM {Name}.schema", connection);
        return await version.ExecuteScalarAsync(cancellation) is true;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
