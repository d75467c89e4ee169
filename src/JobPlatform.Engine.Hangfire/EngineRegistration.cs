using JobPlatform.Core.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Hangfire;

/// <summary>Adds the Hangfire engine to a host.</summary>
public static class EngineRegistration
{
    // How late Hangfire may ring before the due time is handled without it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The engine's port: enough to submit runs and to set schedules.</summary>
    public static IServiceCollection AddHangfireEngine(this IServiceCollection services, EngineOptions options)
    {
        services.AddEngineParts(options with { Patience = Patience });
        services.AddSingleton<RunStateFilter>();
        services.AddSingleton<DueTimeFilter>();
        services.AddSingleton<ManualTriggerFilter>();
        services.AddSingleton<Requeues>();
        services.AddSingleton<HangfireParts>();
        services.AddSingleton<RecurringJobs>();
        services.AddSingleton<IJobEngine, HangfireEngine>();
        return services;
    }

    /// <summary>Also runs jobs and fires schedules in this process. After <see cref="AddHangfireEngine"/>.</summary>
    public static IServiceCollection AddHangfireWorker(this IServiceCollection services)
    {
        services.AddSingleton<Lanes>();
        services.AddSingleton<Carriers>();
        services.AddSingleton<HangfireClaimer>();
        services.AddSingleton(provider => new PlatformRun(provider.GetRequiredService<HangfireClaimer>(), provider.GetRequiredService<RunningRuns>(),
            provider.GetRequiredService<EngineSignals>(), provider.GetRequiredService<EngineOptions>(), provider.GetRequiredService<TimeProvider>()));
        services.AddWorkerParts<HangfireWorker>();
        services.AddHostedService<HandOver>();
        return services;
    }
}
