using JobPlatform.Core.Engine;
using JobPlatform.Core.Settings;
#if HANGFIRE_ENGINE
using JobPlatform.Engine.Hangfire;
using JobPlatform.Engine.Hangfire.Dashboard;
#endif
using JobPlatform.Engine.Postgres;
#if HANGFIRE_ENGINE
using JobPlatform.Web.Security;
#endif

namespace JobPlatform.Server.Composition;

/// <summary>The engines of this build, and the one that the setting <c>ENGINE</c> chooses.</summary>
internal static class EngineChoice
{
    /// <summary>What <c>auto</c> takes comes first.</summary>
    public static IReadOnlyList<string> BuiltIn { get; } =
#if HANGFIRE_ENGINE
        ["hangfire", "embedded"];
#else
        ["embedded"];
#endif

    /// <summary>The engine's port: enough to submit runs and to set schedules.</summary>
    public static IServiceCollection AddEngine(this IServiceCollection services, PlatformSettings settings, EngineOptions options)
    {
#if HANGFIRE_ENGINE
        if (IsHangfire(settings)) return services.AddHangfireEngine(options);
#endif
        return services.AddPostgresEngine(options);
    }

    /// <summary>Also runs jobs in this process.</summary>
    public static IServiceCollection AddEngineWorker(this IServiceCollection services, PlatformSettings settings)
    {
#if HANGFIRE_ENGINE
        if (IsHangfire(settings)) return services.AddHangfireWorker();
#endif
        return services.AddPostgresWorker();
    }

    /// <summary>What the engine shows over HTTP, if anything.</summary>
    public static IServiceCollection AddEnginePages(this IServiceCollection services, PlatformSettings settings)
    {
#if HANGFIRE_ENGINE
        if (HasPages(settings)) services.AddHangfireDashboard().AddPageAccess(HangfireDashboard.ViewPolicy, HangfireDashboard.ChangePolicy);
#endif
        return services;
    }

    /// <summary>Maps it. After <see cref="AddEnginePages"/>.</summary>
    public static void MapEnginePages(this IEndpointRouteBuilder routes, PlatformSettings settings)
    {
#if HANGFIRE_ENGINE
        if (HasPages(settings)) routes.MapHangfireDashboard().AuditCommands("hangfire", reads: "/hangfire/stats");
#endif
    }

    /// <summary>Makes the engine's own tables, as the owner, after the platform's.</summary>
    public static Task PrepareAsync(PlatformSettings settings, Npgsql.NpgsqlDataSource owner, CancellationToken cancellation) =>
#if HANGFIRE_ENGINE
        IsHangfire(settings) ? HangfireSchema.PrepareAsync(owner, cancellation) :
#endif
        Task.CompletedTask;

#if HANGFIRE_ENGINE
    private static bool IsHangfire(PlatformSettings settings) => settings.Engine is "auto" or "hangfire";

    private static bool HasPages(PlatformSettings settings) => IsHangfire(settings) && settings.Role != ProcessRole.Worker;
#endif
}
