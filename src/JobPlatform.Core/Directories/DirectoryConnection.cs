using System.Text.Json;

namespace JobPlatform.Core.Directories;

/// <summary>What a directory speaks.</summary>
public enum DirectoryKind
{
    /// <summary>LDAP, version 3.</summary>
    Ldap,

    /// <summary>SCIM 2.0 over HTTP.</summary>
    Scim,
}

/// <summary>What can be set of a directory connection, its secret apart. Immutable.</summary>
public record DirectoryDefinition
{
    /// <summary>Whose it is, at most 100 characters; API clients of the same company may sync it. Never changed.</summary>
    public string Company { get; init; } = "";

    /// <summary>What it is called, at most 100 characters; unique within the company.</summary>
    public string Name { get; init; } = "";

    /// <summary>What it speaks. Never changed, as the users' ids would be others.</summary>
    public DirectoryKind Kind { get; init; }

    /// <summary><c>ldaps://</c> or <c>ldap://</c> with host and perhaps port; or the base URL of SCIM, over https.</summary>
    public string Url { get; init; } = "";

    /// <summary>What LDAP needs; null for SCIM.</summary>
    public LdapSettings? Ldap { get; init; }

    /// <summary>How many users are asked for at once, 1 to 1000, and groups, of these 20 at most. Default 200.</summary>
    public int PageSize { get; init; } = 200;

    /// <summary>Minutes between two syncs, 60 to 43200 (30 days); looked at every hour. Default 60.</summary>
    public int IntervalMinutes { get; init; } = 60;

    /// <summary>A disabled connection is not synced. Default true.</summary>
    public bool IsEnabled { get; init; } = true;
}

/// <summary>Where LDAP has the users and groups, and by which attributes. Immutable.</summary>
public sealed record LdapSettings
{
    /// <summary>Who binds, with the connection's secret as password: a DN, or what the server takes in its place; null for an anonymous bind.</summary>
    public string? BindDn { get; init; }

    /// <summary>Below which entry the users are.</summary>
    public string BaseDn { get; init; } = "";

    /// <summary>Below which entry the groups are; null for the users'.</summary>
    public string? GroupBaseDn { get; init; }

    /// <summary>Which entries are users.</summary>
    public string UserFilter { get; init; } = "(objectClass=inetOrgPerson)";

    /// <summary>Which entries are groups.</summary>
    public string GroupFilter { get; init; } = "(objectClass=groupOfNames)";

    /// <summary>Whether an <c>ldap://</c> connection is encrypted by StartTLS before anything is said. Default true.</summary>
    public bool StartTls { get; init; } = true;

    /// <summary>Whether the server's certificate must be valid, for this host, and of a known authority. Default true.</summary>
    public bool CheckCertificate { get; init; } = true;

    /// <summary>Certificates of the only authorities that are believed, as PEM; null for those that the system knows.</summary>
    public string? CaCertificates { get; init; }

    /// <summary>The attribute that stays when an entry is renamed or moved: <c>entryUUID</c>, or <c>objectGUID</c>.</summary>
    public string IdAttribute { get; init; } = "entryUUID";

    /// <summary>The attribute of the user name; <c>sAMAccountName</c> in Active Directory.</summary>
    public string UserNameAttribute { get; init; } = "uid";

    /// <summary>The attribute of the e-mail address.</summary>
    public string EmailAttribute { get; init; } = "mail";

    /// <summary>The attribute of the given name.</summary>
    public string GivenNameAttribute { get; init; } = "givenName";

    /// <summary>The attribute of the family name.</summary>
    public string FamilyNameAttribute { get; init; } = "sn";

    /// <summary>The attribute of the name that is shown.</summary>
    public string DisplayNameAttribute { get; init; } = "cn";

    /// <summary>The attribute of a group's name.</summary>
    public string GroupNameAttribute { get; init; } = "cn";

    /// <summary>The attribute with the DNs of a group's members.</summary>
    public string MemberAttribute { get; init; } = "member";
}

/// <summary>A directory connection as it is stored. Of its secret it only tells when it was set. Immutable.</summary>
public sealed record DirectoryConnection : DirectoryDefinition
{
    /// <summary>The key.</summary>
    public required Guid Id { get; init; }

    /// <summary>Grows with each change of the definition.</summary>
    public required int Version { get; init; }

    /// <summary>When the password or token was set; null when there is none.</summary>
    public DateTimeOffset? SecretChangedAt { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its definition last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The run that last synced it, or tried to; null before the first.</summary>
    public Guid? LastRunId { get; init; }

    /// <summary>When that one began.</summary>
    public DateTimeOffset? LastStartedAt { get; init; }

    /// <summary>When a sync last succeeded.</summary>
    public DateTimeOffset? LastSuccessAt { get; init; }

    /// <summary>What became of the last one: its counts, or <c>error</c> and <c>fault</c>; null before its end.</summary>
    public JsonElement? LastResult { get; init; }

    /// <summary>When the directory was last read whole, and not for what has changed alone; null before the first time.</summary>
    public DateTimeOffset? ReadWholeAt { get; init; }

    /// <summary>The version of the definition that it was read whole by.</summary>
    public int? ReadWholeVersion { get; init; }
}
