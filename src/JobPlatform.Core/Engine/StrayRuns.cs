using JobPlatform.Core.Database;
using Npgsql;

namespace JobPlatform.Core.Engine;

/// <summary>Runs that were committed while their job was being deleted or changed.</summary>
internal static class StrayRuns
{
    /// <summary>
    /// Frees limited runs whose job is gone or no longer limited: no claim by job finds them, a claim by lane does, and
    /// then a run without a job ends by itself. Looks at each job with waiting limited runs once.
    /// </summary>
    public static async Task FreeStrayRunsAsync(this PlatformDatabase database, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(
            """
            WITH RECURSIVE waiting (job_id) AS (
                (SELECT job_id FROM jobplatform.job_runs
                  WHERE status IN ('queued', 'retrying') AND limited ORDER BY job_id LIMIT 1)
                UNION ALL
                SELECT (SELECT r.job_id FROM jobplatform.job_runs r
                         WHERE r.status IN ('queued', 'retrying') AND r.limited AND r.job_id > w.job_id
                         ORDER BY r.job_id LIMIT 1)
                  FROM waiting w WHERE w.job_id IS NOT NULL
            )
            UPDATE jobplatform.job_runs r SET limited = false
              FROM waiting w LEFT JOIN jobplatform.jobs j ON j.id = w.job_id
             WHERE r.job_id = w.job_id AND r.status IN ('queued', 'retrying') AND r.limited
               AND (j.id IS NULL OR j.overlap_policy = 'allow')
            """);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
