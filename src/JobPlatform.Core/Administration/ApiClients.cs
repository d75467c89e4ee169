using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using Npgsql;

namespace JobPlatform.Core.Administration;

/// <summary>A program that calls the API with a key of its own. Immutable.</summary>
public sealed record ApiClient
{
    internal const string Columns = "id, name, scopes, company, is_disabled, created_at, last_used_at";

    /// <summary>The row's key.</summary>
    public long Id { get; init; }

    /// <summary>What it is called, for the audit log.</summary>
    public required string Name { get; init; }

    /// <summary>What it may do (<see cref="ClientScopes"/>).</summary>
    public required string[] Scopes { get; init; }

    /// <summary>The company that it works for; null for all.</summary>
    public string? Company { get; init; }

    /// <summary>True when its key is not taken any more.</summary>
    public bool IsDisabled { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it last called, to the minute.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>
/// The clients of the API. A key is shown once, when it is made; the row holds its SHA-256, which is enough for 256
/// random bits. Thread-safe.
/// </summary>
public sealed partial class ApiClients(PlatformDatabase database, AuditLog audit)
{
    private const string Prefix = "jpc_";

    /// <summary>True for a text of a key's form; what is not is no client's key, and needs no look into the database.</summary>
    public static bool IsKey(string text) => text.Length == Prefix.Length + 43 && text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>What is wrong with a name, in one sentence; null when nothing is.</summary>
    public static string? FindFault(string name) => Name().IsMatch(name)
        ? null
        : $"name: '{name}' is no client's name: up to 50 lower-case letters, digits, dots, dashes and underscores.";

    /// <summary>Makes a client.</summary>
    /// <param name="name">Checked by <see cref="FindFault"/>.</param>
    /// <param name="scopes">What it may do, of <see cref="ClientScopes"/>.</param>
    /// <param name="company">Whose rows it is confined to; null for all.</param>
    /// <param name="actor">Who makes it.</param>
    /// <param name="cancellation">Ends the wait; the client may have been made.</param>
    /// <returns>Its key, which nobody can read again; null when the name is taken.</returns>
    public async Task<string?> AddAsync(
        string name, IReadOnlyCollection<string> scopes, string? company, Actor actor, CancellationToken cancellation = default)
    {
        if ((FindFault(name) ?? scopes.Select(ClientScopes.FindFault).FirstOrDefault(fault => fault is not null)) is { } wrong)
            throw new ArgumentException(wrong);
        var key = Prefix + Secrets.Create();
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var isNew = await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO jobplatform.api_clients (name, key_hash, scopes, company) VALUES (@name, @hash, @scopes, @company)
            ON CONFLICT (name) DO NOTHING
            """, new { name, hash = Hash(key), scopes = scopes.ToArray(), company }, transaction, cancellationToken: cancellation)) == 1;
        if (!isNew) return null;
        await audit.AppendAsync(connection, new(actor, "client.added", name) { Details = AuditEntry.Change(null, new { scopes, company }) }, cancellation);
        await transaction.CommitAsync(cancellation);
        return key;
    }

    /// <summary>Stops taking a client's key; web nodes follow within seconds.</summary>
    /// <returns>False when there is no client of that name, or it is disabled already.</returns>
    public async Task<bool> DisableAsync(string name, Actor actor, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var isChanged = await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE jobplatform.api_clients SET is_disabled = true WHERE name = @name AND NOT is_disabled",
            new { name }, transaction, cancellationToken: cancellation)) == 1;
        if (!isChanged) return false;
        await audit.AppendAsync(connection, new(actor, "client.disabled", name), cancellation);
        await transaction.CommitAsync(cancellation);
        return true;
    }

    /// <summary>Clients by name, after <paramref name="afterName"/>, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<ApiClient>> ListAsync(string? afterName, int limit, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return (await connection.QueryAsync<ApiClient>(new CommandDefinition(
            $"SELECT {ApiClient.Columns} FROM jobplatform.api_clients WHERE @afterName IS NULL OR name > @afterName ORDER BY name LIMIT @limit",
            new { afterName, limit }, cancellationToken: cancellation))).AsList();
    }

    /// <summary>The client whose key this is, and that it was used; null for a key that is not taken.</summary>
    public async Task<ApiClient?> FindByKeyAsync(string key, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.QuerySingleOrDefaultAsync<ApiClient>(new CommandDefinition(
            $"""
            WITH found AS (SELECT {ApiClient.Columns} FROM jobplatform.api_clients WHERE key_hash = @hash AND NOT is_disabled),
                 used AS (UPDATE jobplatform.api_clients c SET last_used_at = now() FROM found f
                           WHERE c.id = f.id AND (f.last_used_at IS NULL OR f.last_used_at < now() - interval '1 minute'))
            SELECT {ApiClient.Columns} FROM found
            """, new { hash = Hash(key) }, cancellationToken: cancellation));
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,49}\z")]
    private static partial Regex Name();

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
