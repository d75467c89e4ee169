using Hangfire;
using Hangfire.Client;
using Hangfire.Common;
using Hangfire.PostgreSql;
using Hangfire.Server;
using Hangfire.States;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using Npgsql;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// Hangfire's storage and services, made by hand and not through its static configuration: that one belongs to the
/// whole process, adds its own retries to every job, and stores cultures that nobody here reads. Thread-safe.
/// </summary>
internal sealed class HangfireParts : IConnectionFactory
{
    // Hangfire's own rows of jobs that have ended; the platform's history is job_runs.
    private static readonly TimeSpan KeepsEnded = TimeSpan.FromDays(1);

    private readonly PlatformDatabase _database;

    public HangfireParts(PlatformDatabase database, EngineOptions options, RunStateFilter states, DueTimeFilter dueTimes, ManualTriggerFilter triggers)
    {
        _database = database;
        Storage = new PostgreSqlStorage(this, new PostgreSqlStorageOptions
        {
            SchemaName = HangfireSchema.Name,
            PrepareSchemaIfNecessary = false,
            // A cancelled LISTEN wait can hang (npgsql issue 5975): runs are handed over in the process that has a
            // free worker, which wakes its own threads, so that the poll only finds what others have handed over.
            EnableLongPolling = false,
            QueuePollInterval = TimeSpan.FromMilliseconds(250),
            // Renewed while the job is at work: what a killed process held is fetched again after one lease.
            UseSlidingInvisibilityTimeout = true,
            InvisibilityTimeout = options.Lease,
            // Its locks are rows, which a killed process leaves behind; they are held for milliseconds. The default of
            // ten minutes would stop all schedules for as long.
            DistributedLockTimeout = options.Lease,
            JobExpirationCheckInterval = TimeSpan.FromMinutes(5),
            DeleteExpiredBatchSize = 10_000,
        })
        { JobExpirationTimeout = KeepsEnded };

        FilterProvider = Filters(states, triggers);
        Client = new BackgroundJobClient(Storage, FilterProvider);
        RecurringJobs = new RecurringJobManager(Storage, FilterProvider, new ZoneResolver());
        StateChanger = new BackgroundJobStateChanger(FilterProvider);
        DueJobFactory = new BackgroundJobFactory(Filters(states, dueTimes));
    }

    public PostgreSqlStorage Storage { get; }

    /// <summary>The filters of everybody but the recurring scheduler.</summary>
    public IJobFilterProvider FilterProvider { get; }

    public BackgroundJobClient Client { get; }

    public RecurringJobManager RecurringJobs { get; }

    public IBackgroundJobStateChanger StateChanger { get; }

    /// <summary>Makes the jobs of due times.</summary>
    public IBackgroundJobFactory DueJobFactory { get; }

    public IBackgroundJobPerformer CreatePerformer(JobActivator activator) => new BackgroundJobPerformer(FilterProvider, activator);

    /// <summary>The platform's own pool: one data source a process.</summary>
    NpgsqlConnection IConnectionFactory.GetOrCreateConnection() => _database.Source.CreateConnection();

    private static JobFilterCollection Filters(RunStateFilter states, IClientFilter client) =>
        new() { states, client, new StatisticsHistoryAttribute() };
}
