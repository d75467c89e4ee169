using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
#if HANGFIRE_ENGINE
using JobPlatform.Engine.Hangfire;
#endif
using JobPlatform.Engine.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace JobPlatform.Testing;

/// <summary>The engines that a test can run on.</summary>
public enum EngineKind
{
    /// <summary>On PostgreSQL alone.</summary>
    Embedded,

    /// <summary>On Hangfire; only where it was built.</summary>
    Hangfire,
}

/// <summary>The engines of this build.</summary>
public static class Engines
{
    /// <summary>Those that were built: what a fixture runs on.</summary>
    public static IReadOnlyList<EngineKind> Built { get; } =
#if HANGFIRE_ENGINE
        [EngineKind.Embedded, EngineKind.Hangfire];
#else
        [EngineKind.Embedded];
#endif

    /// <summary>Makes the tables of the platform and of every engine.</summary>
    public static async Task MigrateAsync(NpgsqlDataSource source)
    {
        await Migrator.MigrateAsync(source);
        if (await Roles.EnsureAsync(source) is { } fault) throw new InvalidOperationException(fault);
#if HANGFIRE_ENGINE
        await HangfireSchema.PrepareAsync(source);
#endif
    }

    internal static void Add(IServiceCollection services, EngineKind engine, EngineOptions options, bool runsJobs)
    {
#if HANGFIRE_ENGINE
        if (engine == EngineKind.Hangfire)
        {
            services.AddHangfireEngine(options);
            if (runsJobs) services.AddHangfireWorker();
            return;
        }
#endif
        if (engine != EngineKind.Embedded) throw new InvalidOperationException($"The engine {engine} is not in this build.");
        services.AddPostgresEngine(options);
        if (runsJobs) services.AddPostgresWorker();
    }
}
