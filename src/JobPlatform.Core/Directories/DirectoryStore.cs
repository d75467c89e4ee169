using System.Text.Json;
using Dapper;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Settings;
using Npgsql;

namespace JobPlatform.Core.Directories;

/// <summary>What became of a change. Immutable.</summary>
public abstract record DirectoryAnswer
{
    private DirectoryAnswer() { }

    /// <summary>It was made.</summary>
    public sealed record Done(DirectoryConnection Connection) : DirectoryAnswer;

    /// <summary>There is none of that key.</summary>
    public sealed record Unknown : DirectoryAnswer;

    /// <summary>The company has one of that name already.</summary>
    public sealed record NameTaken(string Message) : DirectoryAnswer;

    /// <summary>It is at another version than the caller has seen.</summary>
    public sealed record Stale(string Message) : DirectoryAnswer;

    /// <summary>It must not be stored like that.</summary>
    public sealed record Invalid(IReadOnlyList<ConfigFault> Faults) : DirectoryAnswer;
}

/// <summary>Reads and changes directory connections; every change is checked and audited. Thread-safe.</summary>
public sealed class DirectoryStore(PlatformDatabase database, AddressGuard guard, SecretBox box, AuditLog audit, TimeProvider clock)
{
    /// <summary>Connections by company and name, behind <paramref name="after"/>, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<DirectoryConnection>> ListAsync((string Company, string Name)? after, int limit, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return [.. (await connection.QueryAsync<DirectoryRow>(new CommandDefinition(
            $"SELECT {DirectoryRow.Columns} FROM jobplatform.directory_connections WHERE (company, name) > (@company, @name) ORDER BY company, name LIMIT @limit",
            new { company = after?.Company ?? "", name = after?.Name ?? "", limit }, cancellationToken: cancellation))).Select(row => row.ToConnection())];
    }

    /// <summary>The connection; null when there is none of that key, or it is another company's.</summary>
    /// <param name="id">Its key.</param>
    /// <param name="company">The only company whose connections there are; null for all.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<DirectoryConnection?> FindAsync(Guid id, string? company = null, CancellationToken cancellation = default) =>
        (await FindRowAsync(id, company, cancellation))?.ToConnection();

    /// <summary>Makes a connection, of version 1.</summary>
    /// <param name="definition">What it is to be.</param>
    /// <param name="secret">The password or token; null for none.</param>
    /// <param name="actor">Who did it, for the audit log.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public async Task<DirectoryAnswer> CreateAsync(DirectoryDefinition definition, string? secret, Actor actor, CancellationToken cancellation = default)
    {
        if (DirectoryFaults.Find(definition, secret, null, guard) is { Count: > 0 } faults) return new DirectoryAnswer.Invalid(faults);
        var id = Guid.CreateVersion7(clock.GetUtcNow());
        return await WriteAsync(id, null, definition, secret, actor,
            $"""
            INSERT INTO jobplatform.directory_connections (id, company, name, kind, url, ldap, page_size, interval_minutes, is_enabled, secret_encrypted, secret_changed_at)
            VALUES (@id, @Company, @Name, @kind, @Url, @ldap::jsonb, @PageSize, @IntervalMinutes, @IsEnabled, @sealedSecret, CASE WHEN @sealedSecret IS NOT NULL THEN now() END)
            RETURNING {DirectoryRow.Columns}
            """, cancellation);
    }

    /// <summary>Changes a connection.</summary>
    /// <param name="id">Which one.</param>
    /// <param name="definition">What it is to be.</param>
    /// <param name="version">The version that the caller has seen.</param>
    /// <param name="secret">The new password or token; null to keep what is stored. It must be given where the URL leads
    /// to another host, StartTLS or the check of the certificate is switched off, or other authorities are believed.</param>
    /// <param name="actor">Who did it, for the audit log.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public Task<DirectoryAnswer> UpdateAsync(Guid id, DirectoryDefinition definition, int version, string? secret, Actor actor, CancellationToken cancellation = default) =>
        WriteAsync(id, version, definition, secret, actor,
            $"""
            UPDATE jobplatform.directory_connections
               SET name = @Name, url = @Url, ldap = @ldap::jsonb, page_size = @PageSize, interval_minutes = @IntervalMinutes, is_enabled = @IsEnabled,
                   version = version + 1, updated_at = now(), secret_encrypted = @sealedSecret,
                   secret_changed_at = CASE WHEN @sealedSecret IS NULL THEN NULL WHEN @sealedSecret IS DISTINCT FROM secret_encrypted THEN now() ELSE secret_changed_at END
             WHERE id = @id
            RETURNING {DirectoryRow.Columns}
            """, cancellation);

    /// <summary>Deletes a connection with its secret and all users and groups that came by it.</summary>
    /// <param name="id">Which one.</param>
    /// <param name="version">The version that the caller has seen.</param>
    /// <param name="actor">Who did it, for the audit log.</param>
    /// <param name="cancellation">Ends the wait; the change may have been made.</param>
    public async Task<DirectoryAnswer> DeleteAsync(Guid id, int version, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (before, refusal) = await LockAsync(connection, id, version, cancellation);
        if (before is null) return refusal!;
        await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM jobplatform.directory_connections WHERE id = @id;
            DELETE FROM jobplatform.directory_read_members WHERE connection_id = @id;
            DELETE FROM jobplatform.directory_read_groups WHERE connection_id = @id;
            DELETE FROM jobplatform.directory_read_users WHERE connection_id = @id;
            DELETE FROM jobplatform.directory_reads WHERE connection_id = @id;
            """, new { id }, transaction, commandTimeout: 0, cancellationToken: cancellation));
        return await CommitAsync(transaction, actor, "directory.deleted", before.ToConnection(), null, cancellation);
    }

    /// <summary>With its sealed secret; as <see cref="FindAsync"/>.</summary>
    internal async Task<DirectoryRow?> FindRowAsync(Guid id, string? company, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<DirectoryRow>(new CommandDefinition(
            // One statement for all: what is another company's takes the same path as what is not there.
            $"SELECT {DirectoryRow.Columns} FROM jobplatform.directory_connections WHERE id = @id AND (@company IS NULL OR company = @company)",
            new { id, company }, cancellationToken: cancellation));
    }

    /// <summary>The secret in the plain; null when there is none.</summary>
    /// <exception cref="DirectoryException">It cannot be used as it is stored.</exception>
    internal string? Open(DirectoryRow row)
    {
        var connection = row.ToConnection();
        if (DirectoryFaults.Find(connection, null, connection, guard) is { Count: > 0 } faults) throw new DirectoryException(DirectoryFault.Definition, string.Join(' ', faults));
        try
        {
            return row.SecretEncrypted is { } secret ? box.Open(PurposeOf(row.Id, connection), secret) : null;
        }
        catch (SecretBoxException)
        {
            throw new DirectoryException(DirectoryFault.Definition,
                "secret: the stored one does not open. Either JOBS_SECRET_KEY is another one than when it was stored (set that one as JOBS_SECRET_KEY_PREVIOUS), or the URL was changed by SQL. Or give it anew.");
        }
    }

    private async Task<DirectoryAnswer> WriteAsync(
        Guid id, int? version, DirectoryDefinition definition, string? secret, Actor actor, string sql, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var (before, refusal) = version is { } seen ? await LockAsync(connection, id, seen, cancellation) : default;
        if (refusal is not null) return refusal;
        var old = before?.ToConnection();
        if (old is not null && DirectoryFaults.Find(definition, secret, old, guard) is { Count: > 0 } faults) return new DirectoryAnswer.Invalid(faults);
        var needsSecret = definition.Kind == DirectoryKind.Scim || definition.Ldap?.BindDn is not null;
        try
        {
            var row = await connection.QuerySingleAsync<DirectoryRow>(new CommandDefinition(sql, new
            {
                id, definition.Company, definition.Name, kind = definition.Kind.ToString().ToLowerInvariant(), definition.Url,
                ldap = definition.Ldap is { } ldap ? JsonSerializer.Serialize(ldap, PlatformJson.Options) : null,
                definition.PageSize, definition.IntervalMinutes, definition.IsEnabled,
                sealedSecret = !needsSecret ? null : secret is null ? before?.SecretEncrypted : box.Seal(PurposeOf(id, definition), secret),
            }, transaction, cancellationToken: cancellation));
            return await CommitAsync(transaction, actor, old is null ? "directory.created" : "directory.updated", old, row.ToConnection(), cancellation);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return new DirectoryAnswer.NameTaken($"'{definition.Company}' has a connection '{definition.Name}' already. Change that one, or choose another name.");
        }
    }

    private static async Task<(DirectoryRow? Row, DirectoryAnswer? Refusal)> LockAsync(NpgsqlConnection connection, Guid id, int version, CancellationToken cancellation)
    {
        var row = await connection.QuerySingleOrDefaultAsync<DirectoryRow>(new CommandDefinition(
            $"SELECT {DirectoryRow.Columns} FROM jobplatform.directory_connections WHERE id = @id FOR UPDATE", new { id }, cancellationToken: cancellation));
        if (row is null) return (null, new DirectoryAnswer.Unknown());
        return row.Version == version ? (row, null)
            : (null, new DirectoryAnswer.Stale($"It is at version {row.Version} now, and you have seen {version}. Read it again, and make your change to that."));
    }

    /// <summary>Under what the secret is sealed: it opens only for the row and the host that it was given for.</summary>
    private static string PurposeOf(Guid id, DirectoryDefinition definition) => $"directory_connections:{id:N}:{DirectoryFaults.OriginOf(definition)}";

    private async Task<DirectoryAnswer> CommitAsync(
        NpgsqlTransaction transaction, Actor actor, string action, DirectoryConnection? before, DirectoryConnection? after, CancellationToken cancellation)
    {
        var subject = (after ?? before)!;
        await audit.AppendAsync(transaction.Connection!, new(actor, action, subject.Id.ToString()) { Details = AuditEntry.Change(before, after) }, cancellation);
        await transaction.CommitAsync(cancellation);
        return new DirectoryAnswer.Done(subject);
    }
}
