using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using Npgsql;

namespace JobPlatform.Handlers.Directories;

/// <summary>
/// Makes the users and groups of a connection equal to what was read, in the caller's transaction: whoever looks sees
/// them as they were or as they are, and nothing between. Rows that are equal are not written.
/// </summary>
internal sealed class DirectoryMerge(NpgsqlConnection connection, Guid id, DateTimeOffset now, int listLimit)
{
    // Each gives a row for each kind of difference: how many there are, and the first of them.
    private const string Summary =
        """
        SELECT kind, count(*) AS count, (array_agg(subject || E'\n' || coalesce(detail::text, '') ORDER BY subject) FILTER (WHERE place <= @room)) AS listed
          FROM (SELECT *, row_number() OVER (ORDER BY subject) AS place FROM written) AS w GROUP BY kind
        """;

    private const string ChangedUsers =
        $"""
        WITH differing AS (
            SELECT u.id, s.user_name, s.email, s.given_name, s.family_name, s.display_name, s.is_active, s.directory_changed_at,
                   u.deactivated_at IS NULL AS was_active, u.deactivated_at, u.user_name AS old_user_name, u.email AS old_email,
                   u.given_name AS old_given_name, u.family_name AS old_family_name, u.display_name AS old_display_name
              FROM jobplatform.directory_users u JOIN jobplatform.directory_read_users s USING (connection_id, external_id)
             WHERE connection_id = @id
               AND (u.user_name, u.email, u.given_name, u.family_name, u.display_name, u.deactivated_at IS NULL)
                   IS DISTINCT FROM (s.user_name, s.email, s.given_name, s.family_name, s.display_name, s.is_active)
        ), written AS (
            UPDATE jobplatform.directory_users u
               SET user_name = d.user_name, email = d.email, given_name = d.given_name, family_name = d.family_name, display_name = d.display_name,
                   deactivated_at = CASE WHEN NOT d.is_active THEN coalesce(d.deactivated_at, @now) END,
                   directory_changed_at = d.directory_changed_at, updated_at = @now
              FROM differing d WHERE d.id = u.id
            RETURNING CASE WHEN d.was_active = d.is_active THEN 'updated' WHEN d.is_active THEN 'reactivated' ELSE 'deactivated' END AS kind, d.user_name AS subject,
                      (SELECT jsonb_object_agg(field, jsonb_build_array(old, new))
                         FROM (VALUES ('user_name', d.old_user_name, d.user_name), ('email', d.old_email, d.email), ('given_name', d.old_given_name, d.given_name),
                                      ('family_name', d.old_family_name, d.family_name), ('display_name', d.old_display_name, d.display_name)) AS v(field, old, new)
                        WHERE old IS DISTINCT FROM new) AS detail
        ) {Summary}
        """;

    private const string GoneUsers =
        $"""
        WITH written AS (
            UPDATE jobplatform.directory_users u SET deactivated_at = @now, directory_changed_at = NULL, updated_at = @now
             WHERE u.connection_id = @id AND u.deactivated_at IS NULL
               AND NOT EXISTS (SELECT FROM jobplatform.directory_read_users s WHERE s.connection_id = @id AND s.external_id = u.external_id)
            RETURNING 'deactivated' AS kind, u.user_name AS subject, NULL::jsonb AS detail
        ) {Summary}
        """;

    private const string NewUsers =
        $"""
        WITH written AS (
            INSERT INTO jobplatform.directory_users (connection_id, external_id, user_name, email, given_name, family_name, display_name, deactivated_at, directory_changed_at, created_at, updated_at)
            SELECT @id, s.external_id, s.user_name, s.email, s.given_name, s.family_name, s.display_name, CASE WHEN NOT s.is_active THEN @now END, s.directory_changed_at, @now, @now
              FROM jobplatform.directory_read_users s
             WHERE s.connection_id = @id AND NOT EXISTS (SELECT FROM jobplatform.directory_users u WHERE u.connection_id = @id AND u.external_id = s.external_id)
            RETURNING 'added' AS kind, user_name AS subject, NULL::jsonb AS detail
        ) {Summary}
        """;

    // Something that is not kept has changed there: no difference, and yet the next sync need not read it again.
    private const string ChangedElsewhere =
        """
        UPDATE jobplatform.directory_users u SET directory_changed_at = s.directory_changed_at
          FROM jobplatform.directory_read_users s
         WHERE u.connection_id = @id AND s.connection_id = @id AND s.external_id = u.external_id AND u.directory_changed_at IS DISTINCT FROM s.directory_changed_at
        """;

    private const string ChangedGroups =
        $"""
        WITH differing AS (
            SELECT g.id, s.name, g.name AS old_name, g.deactivated_at IS NULL AS was_active
              FROM jobplatform.directory_groups g JOIN jobplatform.directory_read_groups s USING (connection_id, external_id)
             WHERE connection_id = @id AND (g.name <> s.name OR g.deactivated_at IS NOT NULL)
        ), written AS (
            UPDATE jobplatform.directory_groups g SET name = d.name, deactivated_at = NULL, updated_at = @now FROM differing d WHERE d.id = g.id
            RETURNING CASE WHEN d.was_active THEN 'groups_updated' ELSE 'groups_reactivated' END AS kind, d.name AS subject,
                      CASE WHEN d.name <> d.old_name THEN jsonb_build_object('name', jsonb_build_array(d.old_name, d.name)) END AS detail
        ) {Summary}
        """;

    private const string GoneGroups =
        $"""
        WITH written AS (
            UPDATE jobplatform.directory_groups g SET deactivated_at = @now, updated_at = @now
             WHERE g.connection_id = @id AND g.deactivated_at IS NULL
               AND NOT EXISTS (SELECT FROM jobplatform.directory_read_groups s WHERE s.connection_id = @id AND s.external_id = g.external_id)
            RETURNING 'groups_deactivated' AS kind, g.name AS subject, NULL::jsonb AS detail
        ) {Summary}
        """;

    private const string NewGroups =
        $"""
        WITH written AS (
            INSERT INTO jobplatform.directory_groups (connection_id, external_id, name, created_at, updated_at)
            SELECT @id, s.external_id, s.name, @now, @now FROM jobplatform.directory_read_groups s
             WHERE s.connection_id = @id AND NOT EXISTS (SELECT FROM jobplatform.directory_groups g WHERE g.connection_id = @id AND g.external_id = s.external_id)
            RETURNING 'groups_added' AS kind, name AS subject, NULL::jsonb AS detail
        ) {Summary}
        """;

    // Groups within groups, to any depth, also where they go round in circles.
    private const string Memberships =
        """
        CREATE TEMP TABLE directory_wanted ON COMMIT DROP AS
        WITH RECURSIVE inner_groups AS MATERIALIZED (
            SELECT m.group_id AS outside, s.external_id AS inside
              FROM jobplatform.directory_read_members m JOIN jobplatform.directory_read_groups s ON s.connection_id = @id AND s.reference = m.reference
             WHERE m.connection_id = @id
        ), within AS (
            SELECT external_id AS outside, external_id AS inside FROM jobplatform.directory_read_groups WHERE connection_id = @id
            UNION
            SELECT w.outside, i.inside FROM within w JOIN inner_groups i ON i.outside = w.inside
        ), people AS MATERIALIZED (
            SELECT m.group_id, u.id AS user_id
              FROM jobplatform.directory_read_members m
              JOIN jobplatform.directory_read_users s ON s.connection_id = @id AND s.reference = m.reference AND s.is_active
              JOIN jobplatform.directory_users u ON u.connection_id = @id AND u.external_id = s.external_id
             WHERE m.connection_id = @id
        )
        SELECT DISTINCT p.user_id, g.id AS group_id
          FROM within w JOIN people p ON p.group_id = w.inside JOIN jobplatform.directory_groups g ON g.connection_id = @id AND g.external_id = w.outside;
        ANALYZE directory_wanted;
        CREATE TEMP TABLE directory_moved (user_id bigint, group_id bigint, is_joined boolean) ON COMMIT DROP;
        WITH gone AS (
            DELETE FROM jobplatform.directory_memberships m USING jobplatform.directory_groups g
             WHERE g.connection_id = @id AND m.group_id = g.id
               AND NOT EXISTS (SELECT FROM directory_wanted w WHERE w.user_id = m.user_id AND w.group_id = m.group_id)
            RETURNING m.user_id, m.group_id
        ) INSERT INTO directory_moved SELECT user_id, group_id, false FROM gone;
        WITH made AS (
            INSERT INTO jobplatform.directory_memberships (user_id, group_id) SELECT user_id, group_id FROM directory_wanted ON CONFLICT DO NOTHING RETURNING user_id, group_id
        ) INSERT INTO directory_moved SELECT user_id, group_id, true FROM made
        """;

    // Who is new, back or gone is counted as that.
    private const string Moved =
        $"""
        WITH written AS (
            SELECT 'moved' AS kind, u.user_name AS subject, jsonb_build_object(
                       'joined', coalesce(jsonb_agg(g.name ORDER BY g.name) FILTER (WHERE m.is_joined), '[]'),
                       'left', coalesce(jsonb_agg(g.name ORDER BY g.name) FILTER (WHERE NOT m.is_joined), '[]')) AS detail
              FROM directory_moved m JOIN jobplatform.directory_users u ON u.id = m.user_id JOIN jobplatform.directory_groups g ON g.id = m.group_id
             WHERE u.deactivated_at IS NULL AND u.created_at < @now AND u.id NOT IN (SELECT id FROM directory_back)
             GROUP BY u.id, u.user_name
        ) {Summary}
        """;

    // Before the users are written: afterwards nobody could tell.
    private const string Back =
        """
        CREATE TEMP TABLE directory_back ON COMMIT DROP AS
        SELECT u.id FROM jobplatform.directory_users u JOIN jobplatform.directory_read_users s USING (connection_id, external_id)
         WHERE connection_id = @id AND u.deactivated_at IS NOT NULL AND s.is_active
        """;

    private readonly List<Change> _changes = [];
    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>The first of all differences.</summary>
    public IReadOnlyList<Change> Changes => _changes;

    /// <summary>How many differences of a kind there were.</summary>
    public long this[string kind] => _counts.GetValueOrDefault(kind);

    public async Task RunAsync(CancellationToken cancellation)
    {
        await ExecuteAsync(Back, cancellation);
        foreach (var sql in new[] { ChangedUsers, GoneUsers, NewUsers, ChangedGroups, GoneGroups, NewGroups }) await AddAsync(sql, cancellation);
        await ExecuteAsync(ChangedElsewhere, cancellation);
        await ExecuteAsync(Memberships, cancellation);
        await AddAsync(Moved, cancellation);
        foreach (var (isJoined, count) in await connection.QueryAsync<(bool, long)>(new CommandDefinition(
            "SELECT is_joined, count(*) FROM directory_moved GROUP BY is_joined", cancellationToken: cancellation)))
            _counts[isJoined ? "memberships_added" : "memberships_removed"] = count;
    }

    private Task<int> ExecuteAsync(string sql, CancellationToken cancellation) =>
        connection.ExecuteAsync(new CommandDefinition(sql, new { id }, commandTimeout: 0, cancellationToken: cancellation));

    private async Task AddAsync(string sql, CancellationToken cancellation)
    {
        var found = await connection.QueryAsync<Found>(new CommandDefinition(
            sql, new { id, now, room = listLimit - _changes.Count }, commandTimeout: 0, cancellationToken: cancellation));
        foreach (var difference in found)
        {
            _counts[difference.Kind] = this[difference.Kind] + difference.Count;
            foreach (var text in difference.Listed ?? [])
            {
                var at = text.LastIndexOf('\n');
                _changes.Add(new(difference.Kind, text[..at]) { Differences = at + 1 < text.Length ? JsonElement.Parse(text[(at + 1)..]) : null });
            }
        }
    }

    /// <summary>One difference.</summary>
    /// <param name="Kind">As it is counted.</param>
    /// <param name="Name">The user's or group's name.</param>
    public sealed record Change(string Kind, string Name)
    {
        /// <summary>Each field that differed, with its old and new value; or the groups that were joined and left.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public JsonElement? Differences { get; init; }
    }

    private sealed record Found
    {
        public required string Kind { get; init; }

        public long Count { get; init; }

        public string[]? Listed { get; init; }
    }
}
