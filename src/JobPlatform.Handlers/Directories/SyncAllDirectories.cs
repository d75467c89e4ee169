using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Directories;

/// <summary>
/// Enqueues a sync of each enabled directory connection that is due; those that one waits or runs for keep theirs. What
/// syncs have left behind that did not come to their end goes first.
/// </summary>
[JobHandler("sync-all-directories", "Enqueues sync-directory for each enabled directory connection that is due.", Cron = "0 * * * *")]
public sealed class SyncAllDirectories(PlatformDatabase database, JobStore jobs, RunEnqueuer enqueuer) : JobHandler<NoConfig>
{
    private const int BatchSize = 500;

    // A sync begins some seconds after its hour: without the margin every second hour would be left out.
    private const string Due =
        """
        SELECT id FROM jobplatform.directory_connections
         WHERE id > @after AND is_enabled AND (last_started_at IS NULL OR last_started_at <= @now - interval_minutes * interval '54 seconds')
         ORDER BY id LIMIT @BatchSize
        """;

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(NoConfig config, RunContext run, CancellationToken cancellation)
    {
        if (await jobs.FindOfHandlerAsync(DirectoryRuns.Handler, cancellation) is not { } job)
            return RunOutcome.FailForGood($"No job has the handler {DirectoryRuns.Handler}. 'jobplatform init' makes it.");
        await DirectoryStaging.ForgetAbandonedAsync(database, cancellation);
        var (enqueued, running, after) = (0, 0, Guid.Empty);
        while (true)
        {
            var due = await FindDueAsync(after, run.Clock.GetUtcNow(), cancellation);
            foreach (var id in due)
                switch (await enqueuer.EnqueueAsync(Request(job, id, run), cancellation))
                {
                    case RunAnswer.Enqueued: enqueued++; break;
                    case RunAnswer.Existing: running++; break;
                    case RunAnswer.Disabled disabled: return RunOutcome.FailForGood(disabled.Message);
                    case var other: throw new InvalidOperationException($"{id} was not enqueued: {other}");
                }
            if (due.Count < BatchSize) return RunOutcome.Success(new { enqueued, running });
            after = due[^1];
        }
    }

    private static RunRequest Request(string job, Guid id, RunContext run) => new()
    {
        JobName = job, Trigger = RunTrigger.Api, TriggeredBy = run.JobName, DedupKey = DirectoryRuns.KeyOf(id), Payload = DirectoryRuns.PayloadOf(id),
    };

    private async Task<List<Guid>> FindDueAsync(Guid after, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var open = await database.OpenAsync(cancellation);
        return (await open.QueryAsync<Guid>(new CommandDefinition(Due, new { after, now, BatchSize }, cancellationToken: cancellation))).AsList();
    }
}
