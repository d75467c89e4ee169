using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Core.Handlers.Purging;

/// <summary>How much a job usually deletes, by the outputs of its last runs. Thread-safe.</summary>
internal static class PurgeHistory
{
    /// <summary>Runs that make a habit; before them no run stops for safety.</summary>
    private const int FewestRuns = 3;
    private const int MostRuns = 10;

    /// <summary>The mean of <c>deleted</c> over the last ten runs that deleted or found nothing; null for fewer than three.</summary>
    public static async Task<double?> FindUsualAsync(PlatformDatabase database, long jobId, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await connection.ExecuteScalarAsync<double?>(new CommandDefinition(
            """
            SELECT avg(deleted)::float8 FROM (
                -- A hundred runs back at most: a job that is mostly tried out or stopped has no habit.
                SELECT (output->>'deleted')::numeric AS deleted FROM (
                    SELECT status, output FROM jobplatform.job_runs WHERE job_id = @jobId ORDER BY id DESC LIMIT 100) AS late
                 WHERE status = 'success' AND jsonb_typeof(output->'deleted') = 'number'
                 LIMIT @MostRuns) AS last
            HAVING count(*) >= @FewestRuns
            """, new { jobId, MostRuns, FewestRuns }, cancellationToken: cancellation));
    }
}
