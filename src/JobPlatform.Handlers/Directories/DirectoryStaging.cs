using System.Text.Json;
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
internal sealed class DirectoryStaging(PlatformDatabase database, DirectoryConnection connection, RunContext run, bool isDryRun)
{
    // What another run has read is never looked at again.
    private const string Alive = "EXISTS (SELECT FROM jobplatform.job_runs other WHERE other.id = r.run_id AND other.status IN ('queued', 'running', 'retrying'))";

    private const int LongestText = 1000;

    private const string Claim =
        $"""
        INSERT INTO jobplatform.directory_reads AS r (connection_id, run_id, fence, version) VALUES (@Id, @RunId, @Fence, @Version)
        ON CONFLICT (connection_id) DO UPDATE
           SET run_id = excluded.run_id, fence = excluded.fence, version = excluded.version,
               phase = CASE WHEN (r.run_id, r.version) = (excluded.run_id, excluded.version) THEN r.phase ELSE 'users' END,
               position = CASE WHEN (r.run_id, r.version) = (excluded.run_id, excluded.version) THEN r.position END
         WHERE r.run_id = excluded.run_id
            OR NOT {Alive}
        RETURNING phase, position
        """;

    private const string Advance =
        """
        UPDATE jobplatform.directory_reads SET phase = @phase, position = @position
         WHERE connection_id = @Id AND run_id = @RunId AND fence = @Fence
        """;

    private const string PutUsers =
        """
        INSERT INTO jobplatform.directory_read_users (connection_id, external_id, reference, user_name, email, given_name, family_name, display_name, is_active, directory_changed_at)
        SELECT @Id, * FROM unnest(@ids, @references, @names, @emails, @givenNames, @familyNames, @displayNames, @active, @times)
        ON CONFLICT (connection_id, external_id) DO UPDATE
           SET (reference, user_name, email, given_name, family_name, display_name, is_active, directory_changed_at) =
               (excluded.reference, excluded.user_name, excluded.email, excluded.given_name, excluded.family_name, excluded.display_name, excluded.is_active, excluded.directory_changed_at)
        """;

    // Whoever has the time of change that is known is taken as it is known; the others are still to be read.
    private const string PutMarks =
        """
        INSERT INTO jobplatform.directory_read_users (connection_id, external_id, reference, user_name, email, given_name, family_name, display_name, is_active, directory_changed_at)
        SELECT @Id, m.id, m.reference, u.user_name, u.email, u.given_name, u.family_name, u.display_name, u.deactivated_at IS NULL, m.changed_at
          FROM unnest(@ids, @references, @times) AS m(id, reference, changed_at)
          LEFT JOIN jobplatform.directory_users u ON u.connection_id = @Id AND u.external_id = m.id AND u.directory_changed_at = m.changed_at AND u.directory_changed_at < @settled
        ON CONFLICT (connection_id, external_id) DO UPDATE
           SET (reference, user_name, email, given_name, family_name, display_name, is_active, directory_changed_at) =
               (excluded.reference, excluded.user_name, excluded.email, excluded.given_name, excluded.family_name, excluded.display_name, excluded.is_active, excluded.directory_changed_at)
        """;

    // Times are in whole seconds, and the clocks of a directory's servers differ by up to five minutes (more, and Active
    // Directory itself would not let them in): what changed that shortly before the last change of all may have changed
    // again without a sign of it.
    private const string Settled = "SELECT max(directory_changed_at) - interval '5 minutes' FROM jobplatform.directory_users WHERE connection_id = @Id";

    private const string Unread = "SELECT min(directory_changed_at) FROM jobplatform.directory_read_users WHERE connection_id = @Id AND user_name IS NULL";

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

    /// <summary>Throws away what runs have read that ended before they merged it.</summary>
    public static async Task ForgetAbandonedAsync(PlatformDatabase database, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        await ExecuteAsync(open,
            $"""
            WITH abandoned AS (DELETE FROM jobplatform.directory_reads r WHERE NOT {Alive} RETURNING connection_id),
                 users AS (DELETE FROM jobplatform.directory_read_users t USING abandoned a WHERE t.connection_id = a.connection_id),
                 members AS (DELETE FROM jobplatform.directory_read_members t USING abandoned a WHERE t.connection_id = a.connection_id)
            DELETE FROM jobplatform.directory_read_groups t USING abandoned a WHERE t.connection_id = a.connection_id
            """, new { }, cancellation);
    }

    /// <summary>Where the reading begins or goes on; null while another run reads this directory.</summary>
    public async Task<(string Phase, string? Position)?> BeginAsync(CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        await using var transaction = await open.BeginTransactionAsync(cancellation);
        var place = await open.QuerySingleOrDefaultAsync<(string Phase, string? Position)?>(new CommandDefinition(
            Claim, new { connection.Id, run.RunId, run.Fence, connection.Version }, transaction, cancellationToken: cancellation));
        if (place is null) return null;
        // A dry run is no sync: the next one would be put off.
        if (!isDryRun)
            await ExecuteAsync(open, "UPDATE jobplatform.directory_connections SET last_run_id = @RunId, last_started_at = @now, last_result = NULL WHERE id = @Id",
                new { connection.Id, run.RunId, now = run.Clock.GetUtcNow() }, cancellation);
        await transaction.CommitAsync(cancellation);
        return place;
    }

    /// <summary>Keeps a page of all users.</summary>
    public Task AddAsync(DirectoryRows<DirectoryUser> page, CancellationToken cancellation) =>
        WriteAsync(page.Next is null ? "groups" : "users", page.Next, page.IsFirst ? ClearUsers : null, PutUsers, Describe(page.Rows), cancellation);

    /// <summary>Keeps a page of all groups.</summary>
    public Task AddAsync(DirectoryRows<DirectoryGroup> page, CancellationToken cancellation) =>
        WriteAsync(page.Next is null ? "merge" : "groups", page.Next, page.IsFirst ? ClearGroups : null, PutGroups, Describe(page.Rows), cancellation);

    /// <summary>Keeps users that the list of all lacked.</summary>
    public Task AddAsync(IReadOnlyList<DirectoryUser> users, CancellationToken cancellation) => WriteAsync("merge", null, null, PutUsers, Describe(users), cancellation);

    /// <summary>Keeps groups that the list of all lacked.</summary>
    public Task AddAsync(IReadOnlyList<DirectoryGroup> groups, CancellationToken cancellation) => WriteAsync("merge", null, null, PutGroups, Describe(groups), cancellation);

    /// <summary>Up to which change, by the directory's clock, a user with the known time of change has not changed since; null when none is known.</summary>
    public Task<DateTimeOffset?> FindSettledAsync(CancellationToken cancellation) => FindTimeAsync(Settled, cancellation);

    /// <summary>Keeps a page of what users there are. Nothing of these goes on in a further attempt.</summary>
    public Task AddAsync(DirectoryRows<DirectoryMark> page, DateTimeOffset settled, CancellationToken cancellation)
    {
        var marks = page.Rows.Reverse().DistinctBy(mark => mark.Id).ToList();
        return WriteAsync("users", null, page.IsFirst ? ClearUsers : null, PutMarks, new
        {
            connection.Id, settled, ids = Texts(marks, mark => mark.Id), references = Texts(marks, mark => mark.Reference), times = marks.Select(mark => mark.ChangedAt).ToArray(),
        }, cancellation);
    }

    /// <summary>The first change of those that are still to be read; null when there are none.</summary>
    public Task<DateTimeOffset?> FindUnreadAsync(CancellationToken cancellation) => FindTimeAsync(Unread, cancellation);

    /// <summary>Keeps users that were still to be read.</summary>
    public Task AddUnreadAsync(IReadOnlyList<DirectoryUser> users, CancellationToken cancellation) => WriteAsync("users", null, null, PutUsers, Describe(users), cancellation);

    /// <summary>Forgets it all, when it is not to be merged.</summary>
    public async Task ForgetAsync(CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        await using var transaction = await open.BeginTransactionAsync(cancellation);
        await HoldAsync(open, cancellation);
        await ForgetAsync(open, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Forgets it all, when it was merged, in the same transaction.</summary>
    public Task ForgetAsync(NpgsqlConnection open, CancellationToken cancellation) =>
        ExecuteAsync(open, $"{ClearUsers};{ClearGroups};DELETE FROM jobplatform.directory_reads WHERE connection_id = @Id", new { connection.Id }, cancellation);

    /// <summary>Makes sure, within a transaction, that this attempt is still the one, and has read all.</summary>
    public Task HoldAsync(NpgsqlConnection open, CancellationToken cancellation) => AdvanceAsync(open, "merge", null, cancellation);

    /// <summary>Writes down what became of the sync, unless another attempt goes on with it. Of a dry run nothing is.</summary>
    public async Task RecordAsync(object result, CancellationToken cancellation)
    {
        if (isDryRun) return;
        await using var open = await database.OpenAsync(cancellation);
        await ExecuteAsync(open,
            """
            UPDATE jobplatform.directory_connections SET last_result = @result::jsonb
             WHERE id = @Id AND last_run_id = @RunId
               AND EXISTS (SELECT FROM jobplatform.directory_reads WHERE connection_id = @Id AND run_id = @RunId AND fence = @Fence)
            """, new { connection.Id, run.RunId, run.Fence, result = JsonSerializer.Serialize(result, PlatformJson.Options) }, cancellation);
    }

    private async Task WriteAsync(string phase, string? position, string? clear, string put, object rows, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        await using var transaction = await open.BeginTransactionAsync(cancellation);
        await AdvanceAsync(open, phase, position, cancellation);
        if (clear is not null) await ExecuteAsync(open, clear, new { connection.Id }, cancellation);
        await ExecuteAsync(open, put, rows, cancellation);
        await transaction.CommitAsync(cancellation);
    }

    private async Task AdvanceAsync(NpgsqlConnection open, string phase, string? position, CancellationToken cancellation)
    {
        if (await ExecuteAsync(open, Advance, new { connection.Id, run.RunId, run.Fence, phase, position }, cancellation) == 0)
            throw new InvalidOperationException("Another attempt of this run reads the directory now.");
    }

    private async Task<DateTimeOffset?> FindTimeAsync(string sql, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        return await open.ExecuteScalarAsync<DateTimeOffset?>(new CommandDefinition(sql, new { connection.Id }, commandTimeout: 0, cancellationToken: cancellation));
    }

    // The last one counts where one page has a row twice.
    private object Describe(IReadOnlyList<DirectoryUser> page)
    {
        var users = page.Reverse().DistinctBy(user => user.Id).ToList();
        return new
        {
            connection.Id, ids = Texts(users, user => user.Id), references = Texts(users, user => user.Reference), names = Texts(users, user => user.UserName),
            emails = Texts(users, user => user.Email), givenNames = Texts(users, user => user.GivenName), familyNames = Texts(users, user => user.FamilyName),
            displayNames = Texts(users, user => user.DisplayName), active = users.Select(user => user.IsActive).ToArray(),
            times = users.Select(user => user.ChangedAt).ToArray(),
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
