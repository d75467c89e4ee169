namespace JobPlatform.Core.Directories;

/// <summary>A user as its directory has it. Immutable.</summary>
/// <param name="Id">What never changes of it.</param>
/// <param name="Reference">How groups name it.</param>
/// <param name="UserName">Its name there.</param>
public sealed record DirectoryUser(string Id, string Reference, string UserName)
{
    /// <summary>The first or primary e-mail address.</summary>
    public string? Email { get; init; }

    /// <summary>The given name.</summary>
    public string? GivenName { get; init; }

    /// <summary>The family name.</summary>
    public string? FamilyName { get; init; }

    /// <summary>The name that is shown.</summary>
    public string? DisplayName { get; init; }

    /// <summary>False for one that may not sign in there.</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>When it last changed, by the clock of the directory; null where that is not told.</summary>
    public DateTimeOffset? ChangedAt { get; init; }
}

/// <summary>That there is a user. Immutable.</summary>
/// <param name="Id">What never changes of it.</param>
/// <param name="Reference">How groups name it.</param>
/// <param name="ChangedAt">When it last changed, by the clock of the directory; null where that is not told.</param>
public sealed record DirectoryMark(string Id, string Reference, DateTimeOffset? ChangedAt);

/// <summary>A group as its directory has it. Immutable.</summary>
/// <param name="Id">What never changes of it.</param>
/// <param name="Reference">How other groups name it.</param>
/// <param name="Name">Its name.</param>
/// <param name="Members">References of users and groups, perhaps of some that are not synced.</param>
public sealed record DirectoryGroup(string Id, string Reference, string Name, IReadOnlyList<string> Members);

/// <summary>Some rows of a list. Immutable.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="IsFirst">True where the list begins, also when another position was asked for that the directory has forgotten.</param>
/// <param name="Next">Where it goes on; null at its end.</param>
public sealed record DirectoryRows<T>(IReadOnlyList<T> Rows, bool IsFirst, string? Next);

/// <summary>Reads a directory; not thread-safe. Every method may throw a <see cref="DirectoryException"/>.</summary>
public interface IDirectoryReader : IAsyncDisposable
{
    /// <summary>Whether a list shifts while it is paged, so that it may lack rows that are there: the two finders tell.</summary>
    bool ListsShift { get; }

    /// <summary>Of all users no more than that they are there; null where the directory does not tell when one changed.</summary>
    IAsyncEnumerable<DirectoryRows<DirectoryMark>>? ListUsers(CancellationToken cancellation);

    /// <summary>All users, page by page.</summary>
    /// <param name="position">The <see cref="DirectoryRows{T}.Next"/> of an earlier page; null for the beginning.</param>
    /// <param name="since">Only those that have changed since, as marks of this reader's list told it; null for all.</param>
    /// <param name="cancellation">Ends it.</param>
    IAsyncEnumerable<DirectoryRows<DirectoryUser>> ReadUsersAsync(string? position, DateTimeOffset? since, CancellationToken cancellation);

    /// <summary>All groups, page by page.</summary>
    IAsyncEnumerable<DirectoryRows<DirectoryGroup>> ReadGroupsAsync(string? position, CancellationToken cancellation);

    /// <summary>A user that a shifting list lacked; null when it is gone.</summary>
    Task<DirectoryUser?> FindUserAsync(string id, CancellationToken cancellation);

    /// <summary>A group, likewise.</summary>
    Task<DirectoryGroup?> FindGroupAsync(string id, CancellationToken cancellation);
}
