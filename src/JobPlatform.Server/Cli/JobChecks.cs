using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Server.Cli;

/// <summary>Whether each webhook could be called and each job could run. What only matters when it runs by itself is not held against a disabled one.</summary>
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
        var webhooks = await CheckWebhooksAsync(findings, session, cancellation);
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

    private static async Task<Dictionary<string, bool>> CheckWebhooksAsync(List<Finding> findings, Session session, CancellationToken cancellation)
    {
        var webhooks = new Dictionary<string, bool>(StringComparer.Ordinal);
        for (string? after = null; ;)
        {
            var page = await session.Get<WebhookHandlerStore>().CheckAsync(after, Page, cancellation);
            foreach (var (webhook, faults) in page)
            {
                webhooks.Add(webhook.Key, webhook.IsEnabled);
                if (webhook.IsEnabled) findings.AddRange(faults.Select(fault => Finding.Fault("webhooks", $"The webhook '{webhook.Key}' cannot be called as it is: {fault}")));
            }
            if (page.Count < Page) return webhooks;
            after = page[^1].Webhook.Key;
        }
    }
}
