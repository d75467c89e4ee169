using JobPlatform.Core.Alerts;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace JobPlatform.Core.Engine;

/// <summary>What every engine is put together from.</summary>
internal static class EngineParts
{
    /// <summary>For the engine's port: enough to submit runs and to set schedules.</summary>
    public static IServiceCollection AddEngineParts(this IServiceCollection services, EngineOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<EngineSignals>();
        services.AddSingleton<ScheduleStore>();
        services.AddSingleton<DueRuns>();
        services.AddSingleton<RunNotifier>();
        services.AddHostedService(provider => provider.GetRequiredService<RunNotifier>());
        return services;
    }

    /// <summary>For a process that runs jobs; <typeparamref name="TWorker"/> claims them.</summary>
    public static IServiceCollection AddWorkerParts<TWorker>(this IServiceCollection services) where TWorker : class, IHostedService
    {
        services.AddSingleton<RunJournal>();
        services.AddHostedService(provider => provider.GetRequiredService<RunJournal>());
        services.AddSingleton<JobPings>();
        services.AddSingleton<RunExecutor>();
        services.AddSingleton<RunRecorder>();
        services.AddSingleton<RunCompleter>();
        services.AddSingleton<WorkerLease>();
        services.AddSingleton<RunningRuns>();
        services.AddSingleton<Scheduler>();
        services.AddHostedService<TWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<Scheduler>());
        services.AddHostedService<Listener>();
        return services;
    }
}
