using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Statistics;

namespace JobPlatform.Core.Runs;

/// <summary>What a search found. Immutable.</summary>
/// <param name="Runs">The newest that fit, newest first.</param>
/// <param name="Before">Where to go on: runs before this one; null when there are none.</param>
/// <param name="WentThrough">
/// How many runs were gone through, where that was the limit and not the page: others that fit may come after
/// <paramref name="Before"/>. Null when the page is full, or when nothing is left.
/// </param>
public sealed record RunPage(IReadOnlyList<RunDetails> Runs, Guid? Before, int? WentThrough);

/// <summary>
/// Finds runs for people, also by what no index answers (a text, a state or trigger that most runs have): an index brings
/// the newest that may fit, and of these no more than <see cref="MostLookedAt"/> are looked at. Thread-safe.
/// </summary>
public sealed class RunSearch(PlatformDatabase database)
{
    /// <summary>How many runs are gone through for one page: half a second where each is searched for a text.</summary>
    public const int MostLookedAt = 50_000;

    /// <summary>Runs that fit, before a place, at most <paramref name="limit"/>.</summary>
    /// <param name="filter">Which; with a text, <see cref="RunFilter.From"/> is to be set.</param>
    /// <param name="text">What the output, the error or the payload holds, in any case; null for anything.</param>
    /// <param name="before">The place, as the page before gave it.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <exception cref="ArgumentException">A text without a span of time.</exception>
    public async Task<RunPage> FindAsync(RunFilter filter, string? text, Guid? before, int limit, CancellationToken cancellation = default)
    {
        if (text is not null && filter.From is null) throw new ArgumentException("A text is searched only within a span of time.", nameof(filter));
        var (narrow, check) = filter.ToParts();
        if (before is not null) narrow += " AND r.id < @before";
        string[] checks = [.. check is null ? Array.Empty<string>() : [check], .. text is null ? Array.Empty<string>() :
            ["(r.output::text ILIKE @like OR r.error::text ILIKE @like OR r.payload::text ILIKE @like)"]];
        var parameters = filter.ToParameters();
        parameters.Add("before", before);
        parameters.Add("limit", limit + 1);
        parameters.Add("like", text is null ? null : $"%{Escape(text)}%");
        await using var connection = await database.OpenAsync(cancellation);
        // The inner LIMIT ends the walk along the index, and the outer one ends it earlier when the page is full.
        var inner = checks.Length == 0 ? "jobplatform.job_runs" : $"(SELECT r.* FROM jobplatform.job_runs r WHERE {narrow} ORDER BY r.id DESC LIMIT {MostLookedAt})";
        var runs = (await connection.QueryAsync<RunDetails>(new CommandDefinition(
            $"""
            SELECT {RunDetails.ListColumns} FROM {inner} r LEFT JOIN jobplatform.jobs j ON j.id = r.job_id
             WHERE {(checks.Length == 0 ? narrow : string.Join(" AND ", checks))} ORDER BY r.id DESC LIMIT @limit
            """, parameters, cancellationToken: cancellation))).AsList();
        if (runs.Count > limit) return new(runs[..limit], runs[limit - 1].Id, null);
        if (checks.Length == 0) return new(runs, null, null);
        var last = await connection.QuerySingleOrDefaultAsync<Guid?>(new CommandDefinition(
            $"SELECT r.id FROM jobplatform.job_runs r WHERE {narrow} ORDER BY r.id DESC OFFSET {MostLookedAt - 1} LIMIT 1", parameters, cancellationToken: cancellation));
        return new(runs, last, last is null ? null : MostLookedAt);
    }

    /// <summary>How many fit, counted to <see cref="CappedCount.Limit"/>; null where only looking at each would tell.</summary>
    public async Task<CappedCount?> CountAsync(RunFilter filter, CancellationToken cancellation = default)
    {
        var (narrow, check) = filter.ToParts();
        if (check is not null) return null;
        var parameters = filter.ToParameters();
        parameters.Add("most", CappedCount.Limit + 1);
        await using var connection = await database.OpenAsync(cancellation);
        return CappedCount.Of(await connection.ExecuteScalarAsync<int>(new CommandDefinition(
            $"SELECT count(*)::int FROM (SELECT FROM jobplatform.job_runs r WHERE {narrow} LIMIT @most) counted", parameters, cancellationToken: cancellation)));
    }

    // In ILIKE these stand for others.
    private static string Escape(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);
}
