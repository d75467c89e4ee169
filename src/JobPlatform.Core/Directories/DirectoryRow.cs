using System.Text.Json;

namespace JobPlatform.Core.Directories;

/// <summary>A row of <c>directory_connections</c>, with its sealed secret.</summary>
internal sealed class DirectoryRow
{
    public const string Columns =
        """
        id, company, name, kind, url, ldap, page_size, interval_minutes, is_enabled, version, secret_encrypted, secret_changed_at, created_at, updated_at,
        last_run_id, last_started_at, last_success_at, last_result, read_whole_at, read_whole_version
        """;

    public required Guid Id { get; init; }
    public required string Company { get; init; }
    public required string Name { get; init; }
    public DirectoryKind Kind { get; init; }
    public required string Url { get; init; }
    public JsonElement? Ldap { get; init; }
    public int PageSize { get; init; }
    public int IntervalMinutes { get; init; }
    public bool IsEnabled { get; init; }
    public int Version { get; init; }
    public byte[]? SecretEncrypted { get; init; }
    public DateTimeOffset? SecretChangedAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public Guid? LastRunId { get; init; }
    public DateTimeOffset? LastStartedAt { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }
    public JsonElement? LastResult { get; init; }
    public DateTimeOffset? ReadWholeAt { get; init; }
    public int? ReadWholeVersion { get; init; }

    public DirectoryConnection ToConnection() => new()
    {
        Id = Id,
        Company = Company,
        Name = Name,
        Kind = Kind,
        Url = Url,
        Ldap = Ldap is { } ldap ? Read(ldap) : null,
        PageSize = PageSize,
        IntervalMinutes = IntervalMinutes,
        IsEnabled = IsEnabled,
        Version = Version,
        SecretChangedAt = SecretChangedAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        LastRunId = LastRunId,
        LastStartedAt = LastStartedAt,
        LastSuccessAt = LastSuccessAt,
        LastResult = LastResult,
        ReadWholeAt = ReadWholeAt,
        ReadWholeVersion = ReadWholeVersion,
    };

    // Written by hand it may not fit; without its base DN it is found to be faulty, and can still be shown and mended.
    private static LdapSettings Read(JsonElement ldap) => (LdapSettings)Handlers.ConfigReader.ReadWhatFits(typeof(LdapSettings), ldap);
}
