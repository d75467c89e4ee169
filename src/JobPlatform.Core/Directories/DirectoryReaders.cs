using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Directories;

/// <summary>What a look at a directory has shown. Immutable.</summary>
/// <param name="Fault">What is wrong; null when nothing is.</param>
/// <param name="Message">The same in a sentence, with what to do.</param>
/// <param name="Users">Names of the first users.</param>
public sealed record DirectoryTest(DirectoryFault? Fault, string Message, IReadOnlyList<string> Users);

/// <summary>Opens directories. Thread-safe.</summary>
public sealed class DirectoryReaders(DirectoryStore store, OutgoingHttp http, AddressGuard guard)
{
    /// <summary>The most groups in a page: each comes with all its members.</summary>
    internal const int MostGroups = 20;

    private const int MostShown = 5;

    /// <summary>The connection with a reader for it, which may connect later; null when there is no such connection.</summary>
    /// <exception cref="DirectoryException">It cannot be used as it is stored.</exception>
    public async Task<(DirectoryConnection Connection, IDirectoryReader Reader)?> OpenAsync(Guid id, CancellationToken cancellation)
    {
        if (await store.FindRowAsync(id, null, cancellation) is not { } row) return null;
        var connection = row.ToConnection();
        var secret = store.Open(row);
        return (connection, connection.Ldap is { } ldap ? new LdapReader(connection, ldap, secret, guard) : new ScimReader(connection, secret!, http));
    }

    /// <summary>Connects and reads the first page of users; changes nothing. Null when there is no such connection.</summary>
    public async Task<DirectoryTest?> TestAsync(Guid id, CancellationToken cancellation)
    {
        try
        {
            if (await OpenAsync(id, cancellation) is not { } opened) return null;
            await using var reader = opened.Reader;
            await foreach (var page in reader.ReadUsersAsync(null, null, cancellation))
                if (page.Rows.Count > 0)
                    return new(null, "It answers, and has users.", [.. page.Rows.Take(MostShown).Select(user => user.UserName)]);
            return new(DirectoryFault.NoRows, opened.Connection.Kind == DirectoryKind.Ldap
                ? "ldap.user_filter: it finds no user below ldap.base_dn. Check both, and what the bind_dn may see."
                : "It answers, and has no user. Check what the token may see.", []);
        }
        catch (DirectoryException e)
        {
            return new(e.Fault, e.Message, []);
        }
    }
}
