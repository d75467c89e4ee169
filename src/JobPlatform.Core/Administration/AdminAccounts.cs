using System.Net.Mail;
using Dapper;
using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Core.Administration;

/// <summary>What an account may do.</summary>
public enum AdminRole
{
    /// <summary>Looks only.</summary>
    Viewer,

    /// <summary>Does everything.</summary>
    Admin,
}

/// <summary>Somebody who may sign in. Immutable.</summary>
public sealed record AdminAccount
{
    internal const string Columns = "id, email, role, is_disabled, password_hash IS NOT NULL AS has_password, security_stamp, created_at, last_sign_in_at";

    /// <summary>The row's key.</summary>
    public long Id { get; init; }

    /// <summary>The address, in lower case; unique.</summary>
    public required string Email { get; init; }

    /// <summary>What it may do.</summary>
    public AdminRole Role { get; init; }

    /// <summary>True when it may not sign in.</summary>
    public bool IsDisabled { get; init; }

    /// <summary>False for one that comes by OIDC only.</summary>
    public bool HasPassword { get; init; }

    /// <summary>Another one after every change; sessions hold the one of their sign-in.</summary>
    public Guid SecurityStamp { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The last sign-in.</summary>
    public DateTimeOffset? LastSignInAt { get; init; }
}

/// <summary>The accounts of people. Every change is written to the audit log and ends the account's sessions. Thread-safe.</summary>
public sealed class AdminAccounts(PlatformDatabase database, AuditLog audit)
{
    /// <summary>The form in which addresses are stored and compared.</summary>
    public static string Normalize(string email) => email.Trim().ToLowerInvariant();

    /// <summary>What is wrong with an address, in one sentence; null when nothing is.</summary>
    public static string? FindFault(string email) =>
        MailAddress.TryCreate(email.Trim(), out var address) && address.Address == email.Trim() && !email.Trim().Any(char.IsWhiteSpace)
            ? null
            : $"email: '{email}' is not an address such as ada@example.com.";

    /// <summary>Makes an account.</summary>
    /// <param name="email">The address, in any case.</param>
    /// <param name="role">What it may do.</param>
    /// <param name="password">Checked by <see cref="Passwords.FindFault"/>.</param>
    /// <param name="actor">Who makes it.</param>
    /// <param name="cancellation">Ends the wait; the account may have been made.</param>
    /// <returns>False when the address has one already.</returns>
    public async Task<bool> AddAsync(string email, AdminRole role, string password, Actor actor, CancellationToken cancellation = default)
    {
        if (Passwords.FindFault(password) is { } fault) throw new ArgumentException(fault, nameof(password));
        return await ChangeAsync(
            """
            INSERT INTO jobplatform.admin_users (email, role, password_hash) VALUES (@email, @role, @hash)
            ON CONFLICT (email) DO NOTHING
            """, new { email = Normalize(email), role = Word(role), hash = Passwords.Hash(password) },
            new(actor, "admin.added", Normalize(email)) { Details = AuditEntry.Change(null, new { role }) }, cancellation);
    }

    /// <summary>Gives an account a new password and lets it in again, disabled or throttled.</summary>
    /// <returns>False when there is none of that address.</returns>
    public async Task<bool> ResetAsync(string email, string password, Actor actor, CancellationToken cancellation = default)
    {
        if (Passwords.FindFault(password) is { } fault) throw new ArgumentException(fault, nameof(password));
        return await ChangeAsync(
            """
            WITH forgotten AS (DELETE FROM jobplatform.sign_in_attempts WHERE starts_with(key, @attempts))
            UPDATE jobplatform.admin_users SET password_hash = @hash, is_disabled = false WHERE email = @email
            """, new { email = Normalize(email), hash = Passwords.Hash(password), attempts = SignInThrottle.AccountKey(email) },
            new(actor, "admin.reset", Normalize(email)), cancellation);
    }

    /// <summary>Lets an account in no more.</summary>
    /// <returns>False when there is none of that address, or it is disabled already.</returns>
    public Task<bool> DisableAsync(string email, Actor actor, CancellationToken cancellation = default) => ChangeAsync(
        "UPDATE jobplatform.admin_users SET is_disabled = true WHERE email = @email AND NOT is_disabled",
        new { email = Normalize(email) }, new(actor, "admin.disabled", Normalize(email)), cancellation);

    /// <summary>
    /// The account of somebody whom the OIDC provider vouches for: made when there is none. The role is the provider's
    /// for accounts without a password, and stays as it is for others.
    /// </summary>
    /// <returns>Null when the account is disabled.</returns>
    public async Task<AdminAccount?> EnsureAsync(string email, AdminRole role, Actor actor, CancellationToken cancellation = default)
    {
        await ChangeAsync(
            """
            INSERT INTO jobplatform.admin_users AS a (email, role) VALUES (@email, @role)
            ON CONFLICT (email) DO UPDATE SET role = excluded.role WHERE a.password_hash IS NULL AND a.role <> excluded.role
            """, new { email = Normalize(email), role = Word(role) },
            new(actor, "admin.provisioned", Normalize(email)) { Details = AuditEntry.Change(null, new { role }) }, cancellation);
        return await FindAsync(email, cancellation) is { IsDisabled: false } account ? account : null;
    }

    /// <summary>The account whose password this is; null for any other, after the same time, whatever is wrong.</summary>
    public async Task<AdminAccount?> FindByPasswordAsync(string email, string password, CancellationToken cancellation = default)
    {
        string? hash;
        await using (var connection = await database.OpenAsync(cancellation))
            hash = await connection.QuerySingleOrDefaultAsync<string?>(new CommandDefinition(
                "SELECT password_hash FROM jobplatform.admin_users WHERE email = @email AND NOT is_disabled",
                new { email = Normalize(email) }, cancellationToken: cancellation));
        return Passwords.Verify(hash, password) ? await FindAsync(email, cancellation) : null;
    }

    /// <summary>The account of that address, null when there is none.</summary>
    public Task<AdminAccount?> FindAsync(string email, CancellationToken cancellation = default) =>
        FindAsync("email = @email", new { email = Normalize(email) }, cancellation);

    /// <summary>The account of that key, null when there is none.</summary>
    public Task<AdminAccount?> FindAsync(long id, CancellationToken cancellation = default) => FindAsync("id = @id", new { id }, cancellation);

    /// <summary>Accounts by address, after <paramref name="afterEmail"/>, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<AdminAccount>> ListAsync(string? afterEmail, int limit, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<AdminAccount>(new CommandDefinition(
            $"SELECT {AdminAccount.Columns} FROM jobplatform.admin_users WHERE @afterEmail IS NULL OR email > @afterEmail ORDER BY email LIMIT @limit",
            new { afterEmail, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>Remembers a sign-in that succeeded, and for 90 days the network that it came from.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="way">By what: <c>password</c> or <c>oidc</c>.</param>
    /// <param name="actor">The account, with the address that it comes from.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public Task RecordSignInAsync(AdminAccount account, string way, Actor actor, CancellationToken cancellation = default) => ChangeAsync(
        """
        WITH old AS (DELETE FROM jobplatform.admin_networks WHERE admin_id = @Id AND last_sign_in_at < now() - interval '90 days' AND network <> @network),
             known AS (
                INSERT INTO jobplatform.admin_networks AS n (admin_id, network, last_sign_in_at) SELECT id, @network, now() FROM jobplatform.admin_users WHERE id = @Id
                ON CONFLICT (admin_id, network) DO UPDATE SET last_sign_in_at = excluded.last_sign_in_at)
        UPDATE jobplatform.admin_users SET last_sign_in_at = now() WHERE id = @Id
        """, new { account.Id, network = Networks.Around(actor.Address) },
        new(actor, "sign-in.succeeded", account.Email) { Details = new { way } }, cancellation);

    private async Task<AdminAccount?> FindAsync(string condition, object parameters, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<AdminAccount>(new CommandDefinition(
            $"SELECT {AdminAccount.Columns} FROM jobplatform.admin_users WHERE {condition}", parameters, cancellationToken: cancellation));
    }

    private async Task<bool> ChangeAsync(string sql, object parameters, AuditEntry entry, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        if (await connection.ExecuteAsync(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellation)) == 0) return false;
        await audit.AppendAsync(connection, entry, cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    private static string Word(AdminRole role) => role.ToString().ToLowerInvariant();
}
