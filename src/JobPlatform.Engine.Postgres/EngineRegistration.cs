using JobPlatform.Core.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Postgres;

/// <summary>Adds the embedded engine to a host.</summary>
public static class EngineRegistration
{
    /// <summary>The engine's port: enough to submit runs and to set schedules.</summary>
    public static IServiceCollection AddPostgresEngine(this IServiceCollection services, EngineOptions options) =>
        services.AddEngineParts(options).AddSingleton<IJobEngine, PostgresEngine>();

    /// <summary>Also runs jobs and fires schedules in this process. After <see cref="AddPostgresEngine"/>.</summary>
    public static IServiceCollection AddPostgresWorker(this IServiceCollection services) =>
        services.AddSingleton<RunClaimer>().AddWorkerParts<Worker>();
}
