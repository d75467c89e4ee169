using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using JobPlatform.Core.Ldap;
using JobPlatform.Core.Outgoing;

namespace JobPlatform.Core.Directories;

/// <summary>
/// An LDAP directory. A position is the server's cookie, which some keep beyond the connection (Active Directory) and
/// others forget with it (OpenLDAP): then the list begins anew. References are the normalized DNs. Groups are always read
/// whole: in Active Directory one does not change when a member is renamed or goes.
/// </summary>
internal sealed class LdapReader(DirectoryDefinition definition, LdapSettings ldap, string? password, AddressGuard guard) : IDirectoryReader
{
    // Active Directory's word for an account that may not sign in.
    private const string AccountControl = "userAccountControl";
    private const int AccountDisabled = 2;
    // When an entry last changed: the first in Active Directory, which computes the second and does not search by it.
    private const string WhenChanged = "whenChanged";
    private const string ModifyTimestamp = "modifyTimestamp";
    private static readonly string[] TimeForms = ["yyyyMMddHHmmss'Z'", "yyyyMMddHHmmss.FFFFFF'Z'"];

    private readonly Uri _url = new(definition.Url);
    private LdapConnection? _connection;
    private bool _hasWhenChanged;

    // A search is of one moment or goes by entries: what it lacks is gone.
    public bool ListsShift => false;

    private string Host => $"{_url.Host}:{AddressGuard.PortOf(_url)}";

    public IAsyncEnumerable<DirectoryRows<DirectoryMark>> ListUsers(CancellationToken cancellation) =>
        ListAsync("base_dn", ldap.BaseDn, ldap.UserFilter, definition.PageSize, [ldap.IdAttribute, WhenChanged, ModifyTimestamp],
            entry => new DirectoryMark(ReadId(entry), LdapName.Normalize(entry.Dn), ReadTime(entry)), null, cancellation);

    public IAsyncEnumerable<DirectoryRows<DirectoryUser>> ReadUsersAsync(string? position, DateTimeOffset? since, CancellationToken cancellation) =>
        ListAsync("base_dn", ldap.BaseDn, since is { } time ? $"(&{ldap.UserFilter}{WriteSince(time)})" : ldap.UserFilter, definition.PageSize,
            [ldap.IdAttribute, ldap.UserNameAttribute, ldap.EmailAttribute, ldap.GivenNameAttribute, ldap.FamilyNameAttribute, ldap.DisplayNameAttribute, AccountControl, WhenChanged, ModifyTimestamp],
            ReadUser, position, cancellation);

    public IAsyncEnumerable<DirectoryRows<DirectoryGroup>> ReadGroupsAsync(string? position, CancellationToken cancellation) =>
        ListAsync(ldap.GroupBaseDn is null ? "base_dn" : "group_base_dn", ldap.GroupBaseDn ?? ldap.BaseDn, ldap.GroupFilter, Math.Min(DirectoryReaders.MostGroups, definition.PageSize),
            [ldap.IdAttribute, ldap.GroupNameAttribute, ldap.MemberAttribute], ReadGroup, position, cancellation);

    public Task<DirectoryUser?> FindUserAsync(string id, CancellationToken cancellation) => Task.FromResult<DirectoryUser?>(null);

    public Task<DirectoryGroup?> FindGroupAsync(string id, CancellationToken cancellation) => Task.FromResult<DirectoryGroup?>(null);

    public ValueTask DisposeAsync() => _connection?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async IAsyncEnumerable<DirectoryRows<T>> ListAsync<T>(string field, string baseDn, string filter, int size, string[] attributes,
        Func<LdapEntry, T> read, string? position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var connection = _connection ??= await ConnectAsync(cancellation);
        var cookie = position is null ? [] : Convert.FromBase64String(position);
        for (var isResumed = position is not null; ; isResumed = false)
        {
            List<LdapEntry> entries;
            byte[] next;
            var isFirst = cookie.Length == 0;
            try
            {
                (entries, next) = await connection.SearchAsync(baseDn, filter, attributes, size, cookie, cancellation);
            }
            catch (LdapException e) when (isResumed && e.Result is LdapResult.UnwillingToPerform or LdapResult.ProtocolError or LdapResult.OperationsError)
            {
                cookie = [];
                continue;
            }
            catch (LdapException e)
            {
                throw Describe(e, field, baseDn);
            }
            catch (InvalidDataException e)
            {
                throw TooMuch(e);
            }
            catch (Exception e) when (DirectoryException.OfNetwork(Host, e) is { } described)
            {
                throw described;
            }
            yield return new([.. entries.Select(read)], isFirst, next.Length == 0 ? null : Convert.ToBase64String(next));
            if (next.Length == 0) yield break;
            cookie = next;
        }
    }

    private async Task<LdapConnection> ConnectAsync(CancellationToken cancellation)
    {
        LdapConnection? connection = null;
        try
        {
            connection = await LdapConnection.ConnectAsync(guard, _url.Host.Trim('[', ']'), AddressGuard.PortOf(_url), cancellation);
            var startsTls = _url.Scheme == "ldap" && ldap.StartTls;
            if (startsTls) await StartTlsAsync(connection, cancellation);
            if (startsTls || _url.Scheme == "ldaps")
                await connection.SecureAsync(new LdapTls(_url.Host.Trim('[', ']'), ldap.CheckCertificate, ldap.CaCertificates), cancellation);
            await BindAsync(connection, cancellation);
            return connection;
        }
        catch (Exception e)
        {
            if (connection is not null) await connection.DisposeAsync();
            if (e is InvalidDataException excess) throw TooMuch(excess);
            if (DirectoryException.OfNetwork(Host, e) is { } described) throw described;
            throw;
        }
    }

    private async Task StartTlsAsync(LdapConnection connection, CancellationToken cancellation)
    {
        try
        {
            await connection.StartTlsAsync(cancellation);
        }
        catch (LdapException e)
        {
            throw new DirectoryException(DirectoryFault.Tls, $"url: {Host} does not go on encrypted by StartTLS: {e.Message}. Give an ldaps:// address, or set ldap.start_tls to false.", null, e);
        }
    }

    private async Task BindAsync(LdapConnection connection, CancellationToken cancellation)
    {
        try
        {
            if (ldap.BindDn is { } name) await connection.BindAsync(name, password!, cancellation);
        }
        catch (LdapException e) when (e.Result is LdapResult.InvalidCredentials or LdapResult.InvalidDnSyntax or LdapResult.NoSuchObject or LdapResult.InappropriateAuthentication)
        {
            throw new DirectoryException(DirectoryFault.Credentials, $"ldap.bind_dn: {Host} does not know '{ldap.BindDn}' with that password: {e.Message}. Check both.", null, e);
        }
        catch (LdapException e)
        {
            throw Describe(e, "bind_dn", ldap.BindDn!);
        }
    }

    private DirectoryException TooMuch(InvalidDataException e) =>
        new(DirectoryFault.NotUnderstood, $"page_size: an answer of {Host} is not read: {e.Message} Lower it, or ask there what is wrong.", null, e);

    private DirectoryException Describe(LdapException e, string field, string value) => e.Result switch
    {
        LdapResult.NoSuchObject or LdapResult.InvalidDnSyntax => new(DirectoryFault.BaseNotFound,
            $"ldap.{field}: {Host} has no entry '{value}', or does not show it to this user: {e.Message}.", null, e),
        LdapResult.InsufficientAccessRights or LdapResult.InappropriateAuthentication or LdapResult.InvalidCredentials => new(DirectoryFault.Credentials,
            $"ldap.bind_dn: {Host} does not let {ldap.BindDn ?? "the anonymous"} read '{value}': {e.Message}. Give a user that may.", null, e),
        LdapResult.ConfidentialityRequired or LdapResult.StrongerAuthRequired => new(DirectoryFault.Tls,
            $"url: {Host} asks for encryption: {e.Message}. Give an ldaps:// address, or set ldap.start_tls to true.", null, e),
        LdapResult.SizeLimitExceeded or LdapResult.AdminLimitExceeded => new(DirectoryFault.Credentials,
            $"ldap.bind_dn: {Host} does not let this user read all: {e.Message}. Raise its limit there.", null, e),
        _ => new(DirectoryFault.Unavailable, $"{Host} refuses the search below '{value}': {e.Message}.", null, e),
    };

    private DirectoryUser ReadUser(LdapEntry entry) => new(ReadId(entry), LdapName.Normalize(entry.Dn), entry.FindText(ldap.UserNameAttribute) ?? entry.Dn)
    {
        Email = entry.FindText(ldap.EmailAttribute),
        GivenName = entry.FindText(ldap.GivenNameAttribute),
        FamilyName = entry.FindText(ldap.FamilyNameAttribute),
        DisplayName = entry.FindText(ldap.DisplayNameAttribute),
        IsActive = !int.TryParse(entry.FindText(AccountControl), CultureInfo.InvariantCulture, out var flags) || (flags & AccountDisabled) == 0,
        ChangedAt = ReadTime(entry),
    };

    private DateTimeOffset? ReadTime(LdapEntry entry)
    {
        var whenChanged = entry.FindText(WhenChanged);
        _hasWhenChanged |= whenChanged is not null;
        return DateTimeOffset.TryParseExact(whenChanged ?? entry.FindText(ModifyTimestamp), TimeForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
    }

    // Rounded down to a second: not every server compares fractions.
    private string WriteSince(DateTimeOffset time) => _hasWhenChanged
        ? string.Create(CultureInfo.InvariantCulture, $"({WhenChanged}>={time.UtcDateTime:yyyyMMddHHmmss}.0Z)")
        : string.Create(CultureInfo.InvariantCulture, $"({ModifyTimestamp}>={time.UtcDateTime:yyyyMMddHHmmss}Z)");

    private DirectoryGroup ReadGroup(LdapEntry entry)
    {
        // Active Directory gives the first 1,500 of a larger group's members only.
        if (entry.Attributes.Keys.FirstOrDefault(name => name.StartsWith($"{ldap.MemberAttribute};range=", StringComparison.OrdinalIgnoreCase)) is { } part)
            throw new DirectoryException(DirectoryFault.Definition, $"ldap.group_filter: '{entry.Dn}' has more members than {Host} gives at once ({part}). Leave that group out, or raise MaxValRange there.");
        return new(ReadId(entry), LdapName.Normalize(entry.Dn), entry.FindText(ldap.GroupNameAttribute) ?? entry.Dn,
            entry.Attributes.TryGetValue(ldap.MemberAttribute, out var members) ? [.. members.Select(member => LdapName.Normalize(Encoding.UTF8.GetString(member)))] : []);
    }

    private string ReadId(LdapEntry entry)
    {
        if (!entry.Attributes.TryGetValue(ldap.IdAttribute, out var values) || values.Count == 0)
            throw new DirectoryException(DirectoryFault.Definition, $"ldap.id_attribute: '{entry.Dn}' has no {ldap.IdAttribute}, or does not show it to this user. Active Directory has objectGUID.");
        return ldap.IdAttribute.Equals("objectGUID", StringComparison.OrdinalIgnoreCase) && values[0].Length == 16
            ? new Guid(values[0]).ToString() : Encoding.UTF8.GetString(values[0]);
    }
}
