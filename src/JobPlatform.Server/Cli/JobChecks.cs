using Dapper;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Schedules;

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
                findings.AddRange(Find(job, catalog, webhooks, missing).Select(message => Finding.Fault("jobs", message)));
            if (page.Count < Page) return true;
            after = page[^1].Id;
        }
    }

    private static IEnumerable<string> Find(Job job, HandlerCatalog catalog, HashSet<string> webhooks, HashSet<string> missing)
    {
        if (ScheduleSync.FindFault(job) is { } schedule) yield return schedule;
        if (webhooks.Contains(job.Handler)) yield break;
        if (catalog.Find(job.Handler) is not { } handler)
        {
            yield return $"The job '{job.Name}' cannot run: {catalog.DescribeUnknown(job.Handler)}";
            yield break;
        }
        foreach (var fault in ConfigReader.Read(handler.ConfigType, job.Config, null).Faults)
            yield return $"The job '{job.Name}' cannot run, its config does not fit. {fault}";
        if (!job.IsEnabled) yield break;
        if (!handler.IsOpen)
            yield return $"The job '{job.Name}' cannot run: its handler needs {handler.Gate}. Set it, or disable the job.";
        if (handler.Tables.Where(missing.Contains).ToList() is { Count: > 0 } tables)
            yield return $"The job '{job.Name}' cannot run: {string.Join(", ", tables)} missing in the application's database. Make them, or disable the job.";
    }

    private static async Task<HashSet<string>> ReadWebhooksAsync(Session session, CancellationToken cancellation)
    {
        await using var connection = await session.Get<PlatformDatabase>().OpenAsync(cancellation);
        return (await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT key FROM jobplatform.job_handlers", cancellationToken: cancellation))).ToHashSet();
    }
}
