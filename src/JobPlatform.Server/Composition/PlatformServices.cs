using System.Reflection;
using JobPlatform.Core.Database;
using JobPlatform.Core.Emails;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Engine;

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
        services.AddSingleton<JobStore>();
        services.AddSingleton<JobCatalog>();
        services.AddSingleton<JobSeeder>();
        services.AddSingleton<JobInspector>();
        services.AddSingleton<ScheduleSync>();
        services.AddSingleton<RunStore>();
        services.AddSingleton<EmailStore>();
        services.AddSingleton<RunEnqueuer>();
        services.AddEngine(settings, new EngineOptions
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
}
