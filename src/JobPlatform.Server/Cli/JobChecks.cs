using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;

namespace JobPlatform.Server.Cli;

/// <summary>Whether each job could run. What only matters when it runs by itself is not held against a disabled job.</summary>
internal static class JobChecks
{
    private const int Page = 1000;

    public static async Task<bool> RunAsync(
        List<Finding> findings, Session session, bool hasApp, CancellationToken cancellation)
    {
        var catalog = session.Get<HandlerCatalog>();
        var missing = hasApp
            ? (await session.Get<AppDatabase>().FindMissingAsync(
                catalog.All.SelectMany(handler => handler.Tables).ToHashSet(), cancellation)).ToHashSet()
            : [];
        var webhooks = await ReadWebhooksAsync(session, cancellation);
        for (long after = 0; ;)
        {
            var page = await session.Get<JobStore>().ListDefinitionsAsync(after, Page, cancellation);
            foreach (var job in page)
            {
                var faults = JobFaults.OfDefinition(job, catalog, webhooks);
                if (job.IsEnabled) faults = faults.Concat(JobFaults.OfSurroundings(job, catalog, webhooks, missing));
                findings.AddRange(faults.Select(message => Finding.Fault("jobs", message)));
            }
            if (page.Count < Page) return true;
            after = page[^1].Id;
        }
    }

    private static async Task<Dictionary<string, bool>> ReadWebhooksAsync(Session session, CancellationToken cancellation)
    {
        await using var connection = await session.Get<PlatformDatabase>().OpenAsync(cancellation);
        return (await connection.QueryAsync<(string Key, bool IsEnabled)>(new CommandDefinition(
            "SELECT key, is_enabled FROM jobplatform.job_handlers", cancellationToken: cancellation)))
            .ToDictionary(webhook => webhook.Key, webhook => webhook.IsEnabled, StringComparer.Ordinal);
    }
}
