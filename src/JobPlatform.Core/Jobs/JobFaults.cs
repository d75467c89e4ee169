using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Jobs;

/// <summary>Why a job cannot be scheduled or run as it is defined, each a sentence with the remedy. Thread-safe.</summary>
public static class JobFaults
{
    /// <summary>Faults of the row itself: its schedule, its retry policy, its handler's key, its config.</summary>
    /// <param name="job">The definition.</param>
    /// <param name="catalog">The code handlers.</param>
    /// <param name="webhooks">The webhooks by key, whether each is enabled; those whose keys are like the job's handler suffice.</param>
    public static IEnumerable<string> OfDefinition(Job job, HandlerCatalog catalog, IReadOnlyDictionary<string, bool> webhooks)
    {
        if (ScheduleSync.FindFault(job) is { } schedule) yield return schedule;
        if (!RetryPolicy.TryParse(job.RetryDelays, out _, out var retries))
            yield return $"The job '{job.Name}' is tried again by the default, {RetryPolicy.Default}, as its own rule cannot be read. {retries}";
        if (catalog.Find(job.Handler) is not { } handler)
        {
            if (!webhooks.ContainsKey(job.Handler))
                yield return $"The job '{job.Name}' cannot run: {catalog.DescribeUnknown(job.Handler, webhooks.Keys)}";
            yield break;
        }
        foreach (var fault in ConfigReader.FindFaults(handler.ConfigType, job.Config, job.CronExpression is not null))
            yield return $"The job '{job.Name}' cannot run, its config does not fit. {fault}";
    }

    /// <summary>What its handler needs and does not find: a setting, tables, its own enabled flag.</summary>
    /// <param name="job">The definition.</param>
    /// <param name="catalog">The code handlers.</param>
    /// <param name="webhooks">As for <see cref="OfDefinition"/>.</param>
    /// <param name="missing">Tables that the application's database lacks.</param>
    public static IEnumerable<string> OfSurroundings(
        JobDefinition job, HandlerCatalog catalog, IReadOnlyDictionary<string, bool> webhooks, IEnumerable<string> missing)
    {
        if (catalog.Find(job.Handler) is not { } handler)
        {
            if (webhooks.TryGetValue(job.Handler, out var isEnabled) && !isEnabled)
                yield return $"The job '{job.Name}' cannot run: its webhook '{job.Handler}' is disabled. Enable it, or disable the job.";
            yield break;
        }
        if (!handler.IsOpen)
            yield return $"The job '{job.Name}' cannot run: its handler needs {handler.Gate}. Set it, or disable the job.";
        if (handler.MissingSettings.Count > 0)
            yield return $"The job '{job.Name}' cannot run: {string.Join(", ", handler.MissingSettings)} not set. Set it, or disable the job.";
        if (handler.Tables.Where(missing.Contains).ToList() is { Count: > 0 } tables)
            yield return $"The job '{job.Name}' cannot run: {string.Join(", ", tables)} missing in the application's database. Make them, or disable the job.";
    }
}
