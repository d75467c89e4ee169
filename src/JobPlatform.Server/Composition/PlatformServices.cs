using System.Reflection;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Webhooks;
using JobPlatform.Engine.Postgres;

namespace JobPlatform.Server.Composition;

/// <summary>What every verb shares: the database, the jobs, the runs, the handlers, and the engine's port.</summary>
internal static class PlatformServices
{
    /// <summary>The assemblies whose handlers are found.</summary>
    private static readonly Assembly[] HandlerAssemblies = [typeof(Handlers.HandlersAssembly).Assembly];

    public static IServiceCollection AddPlatform(this IServiceCollection services, PlatformSettings settings, IConfiguration configuration)
    {
        services.AddSingleton(settings);
        services.AddSingleton(settings.Smtp);
        services.AddSingleton(PlatformSettings.CreateRedactor(configuration));
        services.AddSingleton(new SecretBox(settings.JobsSecretKeys));
        services.AddSingleton<DatabaseClock>();
        services.AddSingleton<TimeProvider>(provider => provider.GetRequiredService<DatabaseClock>());
        services.AddSingleton(new PlatformDatabase(settings.PlatformConnection, $"jobplatform-{settings.Role.ToString().ToLowerInvariant()}@{Environment.MachineName}", settings.Concurrency));
        services.AddSingleton(new AppDatabase(settings.AppConnection, settings.Concurrency));
        services.AddSingleton(new HandlerCatalog(HandlerAssemblies, configuration));
        services.AddSingleton<AuditLog>();
        services.AddSingleton<AdminAccounts>();
        services.AddSingleton<ApiClients>();
        services.AddSingleton<JobCatalog>();
        services.AddSingleton<JobSeeder>();
        services.AddSingleton<JobInspector>();
        services.AddSingleton<ScheduleSync>();
        services.AddWebhooks(settings.OutgoingAllowed);
        services.AddOperations();
        services.AddPostgresEngine(new EngineOptions
        {
            Concurrency = settings.Concurrency,
            Queues = settings.Queues,
            PollInterval = settings.PollInterval,
            Lease = settings.Lease,
            Drain = settings.Drain,
            Listen = settings.Listen,
            Role = settings.Role.ToString().ToLowerInvariant(),
        });
        return services;
    }

    /// <summary>Also keeps warnings and errors in <c>error_logs</c>. Before all that may log while it stops.</summary>
    public static IServiceCollection AddErrorLog(this IServiceCollection services)
    {
        services.AddSingleton<ErrorLog>();
        services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<ErrorLog>());
        services.AddHostedService<ErrorLogWriter>();
        return services;
    }

    /// <summary>Also runs jobs in this process.</summary>
    public static IServiceCollection AddPlatformWorker(this IServiceCollection services)
    {
        services.AddSingleton<RunJournal>();
        services.AddHostedService(provider => provider.GetRequiredService<RunJournal>());
        services.AddSingleton<RunExecutor>();
        services.AddSingleton<RunRecorder>();
        services.AddPostgresWorker();
        return services;
    }
}
