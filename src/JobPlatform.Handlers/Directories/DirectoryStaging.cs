using Dapper;
using JobPlatform.Core;
using JobPlatform.Core.Database;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Handlers;
using Npgsql;

namespace JobPlatform.Handlers.Directories;

/// <summary>
/// What a run has read so far. A page and the place where it goes on are written together, so that a further attempt
/// goes on from there; an attempt that was overtaken writes nothing more.
/// </summary>
internal sealed class DirectoryStaging(PlatformDatabase database, DirectoryConnection connection, RunContext run)
{
    private const int LongestText = 1000;

    private const string Claim =
        """
        INSERT INTO jobplatform.directory_reads AS r (connection_id, run_id, fence, version) VALUES (@Id, @RunId, @Fence, @Version)
        ON CONFLICT (connection_id) DO UPDATE
           SET run_id = excluded.run_id, fence = excluded.fence, version = excluded.version,
               phase = CASE WHEN (r.run_id, r.version) = (excluded.run_id, excluded.version) THEN r.phase ELSE 'users' END,
               position = CASE WHEN (r.run_id, r.version) = (excluded.run_id, excluded.version) THEN r.position END
         WHERE r.run_id = excluded.run_id
            OR NOT EXISTS (SELECT FROM jobplatform.job_runs other WHERE other.id = r.run_id AND other.status IN ('queued', 'running', 'retrying'))
        RETURNING phase, position
        """;

    private const string Advance =
        """
        UPDATE jobplatform.directory_reads SET phase = CASE WHEN @next IS NULL THEN @following ELSE phase END, position = @next
         WHERE connection_id = @Id AND run_id = @RunId AND fence = @Fence
        """;

    private const string PutUsers =
        """
        INSERT INTO jobplatform.directory_read_users (connection_id, external_id, reference, user_name, email, given_name, family_name, display_name, is_active)
        SELECT @Id, * FROM unnest(@ids, @references, @names, @emails, @givenNames, @familyNames, @displayNames, @active)
        ON CONFLICT (connection_id, external_id) DO UPDATE
           SET (reference, user_name, email, given_name, family_name, display_name, is_active) =
               (excluded.reference, excluded.user_name, excluded.email, excluded.given_name, excluded.family_name, excluded.display_name, excluded.is_active)
        """;

    private const string PutGroups =
        """
        INSERT INTO jobplatform.directory_read_groups (connection_id, external_id, reference, name) SELECT @Id, * FROM unnest(@ids, @references, @names)
        ON CONFLICT (connection_id, external_id) DO UPDATE SET reference = excluded.reference, name = excluded.name;
        DELETE FROM jobplatform.directory_read_members WHERE connection_id = @Id AND group_id = ANY(@ids);
        INSERT INTO jobplatform.directory_read_members (connection_id, group_id, reference) SELECT @Id, * FROM unnest(@groups, @members) ON CONFLICT DO NOTHING
        """;

    private const string ClearUsers = "DELETE FROM jobplatform.directory_read_users WHERE connection_id = @Id";

    private const string ClearGroups =
        """
        DELETE FROM jobplatform.directory_read_members WHERE connection_id = @Id;
        DELETE FROM jobplatform.directory_read_groups WHERE connection_id = @Id
        """;

    /// <summary>Where the reading begins or goes on; null while another run reads this directory.</summary>
    public async Task<(string Phase, string? Position)?> BeginAsync(CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        await using var transaction = await open.BeginTransactionAsync(cancellation);
        var place = await open.QuerySingleOrDefaultAsync<(string Phase, string? Position)?>(new CommandDefinition(
            Claim, new { connection.Id, run.RunId, run.Fence, connection.Version }, transaction, cancellationToken: cancellation));
        if (place is null) return null;
        await open.ExecuteAsync(new CommandDefinition(
            "UPDATE jobplatform.directory_connections SET last_run_id = @RunId, last_started_at = @now WHERE id = @Id",
            new { connection.Id, run.RunId, now = run.Clock.GetUtcNow() }, transaction, cancellationToken: cancellation));
        await transaction.CommitAsync(cancellation);
        return place;
    }

    /// <summary>Keeps a page of users.</summary>
    public Task AddAsync(DirectoryRows<DirectoryUser> page, CancellationToken cancellation) => WriteAsync(page, "groups", ClearUsers, PutUsers, Describe(page.Rows), cancellation);

    /// <summary>Keeps a page of groups.</summary>
    public Task AddAsync(DirectoryRows<DirectoryGroup> page, CancellationToken cancellation) => WriteAsync(page, "merge", ClearGroups, PutGroups, Describe(page.Rows), cancellation);

    /// <summary>Keeps users that the list lacked.</summary>
    public async Task AddAsync(IReadOnlyList<DirectoryUser> users, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        await ExecuteAsync(open, PutUsers, Describe(users), cancellation);
    }

    /// <summary>Keeps groups that the list lacked.</summary>
    public async Task AddAsync(IReadOnlyList<DirectoryGroup> groups, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        await ExecuteAsync(open, PutGroups, Describe(groups), cancellation);
    }

    /// <summary>Forgets it all, when it was merged or is not to be.</summary>
    public Task ForgetAsync(NpgsqlConnection open, CancellationToken cancellation) =>
        ExecuteAsync(open, $"{ClearUsers};{ClearGroups};DELETE FROM jobplatform.directory_reads WHERE connection_id = @Id", new { connection.Id }, cancellation);

    /// <summary>Makes sure, within a transaction, that this attempt is still the one.</summary>
    public async Task HoldAsync(NpgsqlConnection open, CancellationToken cancellation)
    {
        if (await ExecuteAsync(open, Advance, new { connection.Id, run.RunId, run.Fence, next = (string?)null, following = "merge" }, cancellation) == 0) throw Overtaken();
    }

    private async Task WriteAsync<T>(DirectoryRows<T> page, string following, string clear, string put, object rows, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        await using var transaction = await open.BeginTransactionAsync(cancellation);
        if (await ExecuteAsync(open, Advance, new { connection.Id, run.RunId, run.Fence, next = page.Next, following }, cancellation) == 0) throw Overtaken();
        if (page.IsFirst) await ExecuteAsync(open, clear, new { connection.Id }, cancellation);
        await ExecuteAsync(open, put, rows, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private static InvalidOperationException Overtaken() => new("Another attempt of this run reads the directory now.");

    // The last one counts where one page has a row twice.
    private object Describe(IReadOnlyList<DirectoryUser> page)
    {
        var users = page.Reverse().DistinctBy(user => user.Id).ToList();
        return new
        {
            connection.Id, ids = Texts(users, user => user.Id), references = Texts(users, user => user.Reference), names = Texts(users, user => user.UserName),
            emails = Texts(users, user => user.Email), givenNames = Texts(users, user => user.GivenName), familyNames = Texts(users, user => user.FamilyName),
            displayNames = Texts(users, user => user.DisplayName), active = users.Select(user => user.IsActive).ToArray(),
        };
    }

    private object Describe(IReadOnlyList<DirectoryGroup> page)
    {
        var groups = page.Reverse().DistinctBy(group => group.Id).ToList();
        var members = groups.SelectMany(group => group.Members, (group, member) => (Group: group.Id, Member: member)).ToList();
        return new
        {
            connection.Id, ids = Texts(groups, group => group.Id), references = Texts(groups, group => group.Reference), names = Texts(groups, group => group.Name),
            groups = Texts(members, member => member.Group), members = Texts(members, member => member.Member),
        };
    }

    private static string?[] Texts<T>(List<T> rows, Func<T, string?> read) => [.. rows.Select(row => read(row) is { } text ? StorableText.Clean(text, LongestText) : null)];

    private static Task<int> ExecuteAsync(NpgsqlConnection open, string sql, object parameters, CancellationToken cancellation) =>
        open.ExecuteAsync(new CommandDefinition(sql, parameters, commandTimeout: 0, cancellationToken: cancellation));
}
