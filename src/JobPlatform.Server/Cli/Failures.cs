using System.Net.Sockets;
using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Server.Cli;

/// <summary>Turns what a verb threw into an exit code and a sentence.</summary>
internal static class Failures
{
    public static (int ExitCode, string Sentence) Describe(Exception exception) => exception switch
    {
        CliException refused => (refused.Code, refused.Message),
        SampleRefusedException refused => (ExitCode.Refused, refused.Message),
        FormatException unreadable => (ExitCode.Unavailable, unreadable.Message),
        MigrationException failed => (ExitCode.Failed, failed.Message),
        PostgresException error => Describe(error),
        NpgsqlException or SocketException or TimeoutException => (ExitCode.Unavailable,
            $"The database does not answer: {Innermost(exception)}. Check the connection string, and that PostgreSQL runs."),
        IOException or UnauthorizedAccessException => (ExitCode.Failed, exception.Message),
        _ => (ExitCode.Failed, $"This should not happen ({exception.GetType().Name}): {exception.Message}"),
    };

    private static (int, string) Describe(PostgresException error) => error.SqlState switch
    {
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName or PostgresErrorCodes.UndefinedFunction
            or PostgresErrorCodes.UndefinedColumn => (ExitCode.Unavailable,
            $"The database is not prepared ({error.MessageText}): run 'jobplatform init'."),
        PostgresErrorCodes.InsufficientPrivilege => (ExitCode.Unavailable,
            $"The database user may not do this ({error.MessageText}): GRANT {Roles.Service} TO it, or set ConnectionStrings__Owner for 'init' and 'migrate'."),
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
            or PostgresErrorCodes.InvalidCatalogName or PostgresErrorCodes.CannotConnectNow
            or PostgresErrorCodes.TooManyConnections => (ExitCode.Unavailable,
            $"The database refuses the connection ({error.MessageText}): check its connection string."),
        _ => (ExitCode.Failed, $"The database refused a statement: {error.MessageText} (SQLSTATE {error.SqlState})."),
    };

    private static string Innermost(Exception exception) =>
        exception.InnerException is { } inner ? $"{exception.Message} ({Innermost(inner)})" : exception.Message.TrimEnd('.');
}
