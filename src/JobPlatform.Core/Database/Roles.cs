using Dapper;
using Npgsql;

namespace JobPlatform.Core.Database;

/// <summary>
/// The roles <c>jobplatform_service</c> and <c>jobplatform_app</c>: made where the connection may, and given their
/// rights after every migration.
/// </summary>
public static class Roles
{
    /// <summary>Runs the platform; may not rewrite the audit log or the evidence.</summary>
    public const string Service = "jobplatform_service";

    /// <summary>For applications: may call the functions that enqueue and emit, read what directories have, and nothing else.</summary>
    public const string App = "jobplatform_app";

    /// <summary>The statements that grant the rights.</summary>
    public static string Sql { get; } = EmbeddedText.Read("JobPlatform.Core.Database.Roles.sql");

    /// <summary>Makes the roles that are missing and grants their rights.</summary>
    /// <returns>Null when all is in place, otherwise one sentence that says what is missing and who can do it.</returns>
    public static async Task<string?> EnsureAsync(NpgsqlDataSource source, CancellationToken cancellation = default)
    {
        await using var connection = await source.OpenConnectionAsync(cancellation);
        try
        {
            foreach (var role in await FindMissingAsync(connection, cancellation))
            {
                try
                {
                    await connection.ExecuteAsync(new CommandDefinition($"CREATE ROLE {role} NOLOGIN", cancellationToken: cancellation));
                }
                catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.DuplicateObject or PostgresErrorCodes.UniqueViolation)
                {
                    // Another process made it between the look and the making: that is what was wanted.
                    continue;
                }
            }
            await connection.ExecuteAsync(new CommandDefinition(
                // One at a time: two processes that grant at once fail with "tuple concurrently updated".
                "SELECT pg_advisory_xact_lock(hashtext('jobplatform.roles'));" + Sql,
                cancellationToken: cancellation));
            return null;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return $"The roles {Service} and {App} or their rights could not be set ({e.MessageText}): " +
                   "run 'jobplatform init' once with a connection (ConnectionStrings__Owner) that may create roles.";
        }
    }

    /// <summary>Which of the two roles the server lacks; changes nothing.</summary>
    public static async Task<IReadOnlyList<string>> FindMissingAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        (await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT r FROM unnest(@roles) AS u(r) WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)",
            new { roles = new[] { Service, App } }, cancellationToken: cancellation))).AsList();
}
