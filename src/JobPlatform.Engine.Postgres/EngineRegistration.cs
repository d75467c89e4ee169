using JobPlatform.Core.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace JobPlatform.Engine.Postgres;

/// <summary>Adds the embedded engine to a host.</summary>
public static class EngineRegistration
{
    /// <summary>The engine's port: enough to submit runs and to set schedules.</summary>
    public static IServiceCollection AddPostgresEngine(this IServiceCollection services, EngineOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<EngineSignals>();
        services.AddSingleton<PostgresEngine>();
        services.AddSingleton<IJobEngine>(provider => provider.GetRequiredService<PostgresEngine>());
        services.AddHostedService(provider => provider.GetRequiredService<PostgresEngine>());
        return services;
    }

    /// <summary>Also runs jobs and fires schedules in this process. After <see cref="AddPostgresEngine"/>.</summary>
    public static IServiceCollection AddPostgresWorker(this IServiceCollection services)
    {
        services.AddSingleton<RunClaimer>();
        services.AddSingleton<RunCompleter>();
        services.AddSingleton<WorkerLease>();
        services.AddSingleton<Worker>();
        services.AddSingleton<Scheduler>();
        services.AddHostedService(provider => provider.GetRequiredService<Worker>());
        services.AddHostedService(provider => provider.GetRequiredService<Scheduler>());
        services.AddHostedService<Listener>();
        return services;
    }
}
