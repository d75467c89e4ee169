using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Administration;

/// <summary>
/// Sign-ins that have not ended. One ends when somebody signs out, when its account changes, and after a week. Thread-safe.
/// </summary>
public sealed class AdminSessions(PlatformDatabase database, AuditLog audit, TimeProvider clock)
{
    // Even one that is used every day: a stolen cookie does not last for ever.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    /// <summary>Begins a session of the account as it is now.</summary>
    /// <returns>Its key.</returns>
    public async Task<Guid> BeginAsync(AdminAccount account, CancellationToken cancellation = default)
    {
        var id = Guid.NewGuid();
        await using var connection = await database.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            WITH old AS (
                DELETE FROM jobplatform.admin_sessions WHERE id IN
                    (SELECT id FROM jobplatform.admin_sessions WHERE started_at < @now - @Longest ORDER BY started_at LIMIT 100 FOR UPDATE SKIP LOCKED))
            INSERT INTO jobplatform.admin_sessions (id, admin_id, security_stamp, started_at) VALUES (@id, @admin, @SecurityStamp, @now)
            """, new { id, admin = account.Id, account.SecurityStamp, now = clock.GetUtcNow(), Longest }, cancellationToken: cancellation));
        return id;
    }

    /// <summary>Whose session it is; null when it has ended.</summary>
    public async Task<AdminAccount?> FindAccountAsync(Guid id, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<AdminAccount>(new CommandDefinition(
            $"""
            SELECT {AdminAccount.Columns} FROM jobplatform.admin_users
             WHERE NOT is_disabled AND (id, security_stamp) =
                   (SELECT s.admin_id, s.security_stamp FROM jobplatform.admin_sessions s WHERE s.id = @id AND s.started_at > @now - @Longest)
            """, new { id, now = clock.GetUtcNow(), Longest }, cancellationToken: cancellation));
    }

    /// <summary>Ends a session, and writes that down.</summary>
    /// <param name="id">Its key.</param>
    /// <param name="actor">Who signs out.</param>
    /// <param name="cancellation">Ends the wait; the session may have ended.</param>
    public async Task EndAsync(Guid id, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM jobplatform.admin_sessions WHERE id = @id", new { id }, transaction, cancellationToken: cancellation));
        await audit.AppendAsync(connection, new(actor, "sign-out", null), cancellation);
        await transaction.CommitAsync(cancellation);
    }
}
