using System.Runtime.CompilerServices;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Core.Checks;

/// <summary>
/// Whether each webhook could be called and each job could run. What only matters when it runs by itself is not held
/// against a disabled one. Thread-safe.
/// </summary>
public sealed class JobChecks(HandlerCatalog catalog, AppDatabase app, JobStore jobs, WebhookHandlerStore webhooks)
{
    private const int Page = 1000;

    /// <summary>Every fault, as it is found.</summary>
    /// <param name="hasApp">False where the application's database does not answer: its tables are then not looked for.</param>
    /// <param name="cancellation">Ends the search.</param>
    public async IAsyncEnumerable<Finding> FindAsync(bool hasApp, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var missing = hasApp
            ? (await app.FindMissingAsync(catalog.All.SelectMany(handler => handler.Tables).ToHashSet(), cancellation)).ToHashSet()
            : [];
        var isEnabled = new Dictionary<string, bool>(StringComparer.Ordinal);
        for (string? after = null; ;)
        {
            var page = await webhooks.CheckAsync(after, Page, cancellation);
            foreach (var (webhook, faults) in page)
            {
                isEnabled.Add(webhook.Key, webhook.IsEnabled);
                if (!webhook.IsEnabled) continue;
                foreach (var fault in faults) yield return Finding.Fault("webhooks", $"The webhook '{webhook.Key}' cannot be called as it is: {fault}");
            }
            if (page.Count < Page) break;
            after = page[^1].Webhook.Key;
        }
        for (long after = 0; ;)
        {
            var page = await jobs.ListDefinitionsAsync(after, Page, cancellation);
            foreach (var job in page)
            {
                var faults = JobFaults.OfDefinition(job, catalog, isEnabled);
                if (job.IsEnabled) faults = faults.Concat(JobFaults.OfSurroundings(job, catalog, isEnabled, missing));
                foreach (var message in faults) yield return Finding.Fault("jobs", message);
            }
            if (page.Count < Page) yield break;
            after = page[^1].Id;
        }
    }
}
