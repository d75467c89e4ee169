using JobPlatform.Core.Administration;
using JobPlatform.Core.Alerts;
using JobPlatform.Core.Checks;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Emails;
using JobPlatform.Core.Events;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Leaderboards;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Statistics;
using JobPlatform.Core.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Core;

/// <summary>Adds what people and programs can look at and do: the same for the API, the admin pages and the command line.</summary>
public static class OperationsRegistration
{
    /// <summary>After the databases, the handlers, the audit log, webhooks and an engine.</summary>
    public static IServiceCollection AddOperations(this IServiceCollection services) => services
        .AddSingleton<JobStore>().AddSingleton<JobList>().AddSingleton<JobDrafts>().AddSingleton<JobEditor>()
        .AddSingleton<RunStore>().AddSingleton<RunEnqueuer>().AddSingleton<RunRetrier>().AddSingleton<BulkRuns>()
        .AddSingleton<RunSearch>().AddSingleton<RunHistory>().AddSingleton<JobInspector>()
        .AddSingleton<ScheduleControl>().AddSingleton<DueTimeCollisions>()
        .AddSingleton<EmailStore>()
        .AddSingleton<EventStore>()
        .AddSingleton<LeaderboardReader>()
        .AddSingleton<DirectoryStore>().AddSingleton<DirectoryReaders>()
        .AddSingleton<AlertReader>().AddSingleton<Silences>()
        .AddSingleton<DriftCheck>()
        .AddSingleton<LoadReader>()
        .AddSingleton<StatisticsReader>()
        .AddSingleton<LogReader>();
}
