using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Admin;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Api;

/// <summary>
/// The HTTP API. It needs the platform's services (settings, clock, databases, jobs, runs, handlers and an engine) in
/// the same container.
/// </summary>
public static class PlatformApi
{
    // The endpoints take less (64 KiB). Up to here a body that is too large is still read to its end, because a
    // connection that closes under the sender's hands would hide the answer that says why.
    private const long MostBytesRead = 1024 * 1024;

    /// <summary>Adds who may call, keys and sessions, the policy that closes every route, and the rate limits.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="settings">Keys and limits; without any key every route but health answers 401.</param>
    public static IServiceCollection AddPlatformApi(this IServiceCollection services, PlatformSettings settings)
    {
        services.AddCallers(settings);
        services.AddAccess();
        services.AddCallerLimits(settings.Access);
        services.AddApiDocument();
        services.AddTelemetry(settings);
        services.AddSingleton<RunAnswers>().AddSingleton<HandlerRuns>().AddSingleton<Readiness>();
        if (settings.Role == ProcessRole.Worker) return services;
        services.AddAdmin();
        services.AddSingleton<RunEvents>().AddHostedService(provider => provider.GetRequiredService<RunEvents>());
        return services;
    }

    /// <summary>
    /// Adds the middleware, outermost first: where it comes from, headers, problems, who it is, how often, whether they
    /// may. The key is checked before anything of the request but its headers is read.
    /// </summary>
    public static IApplicationBuilder UsePlatformApi(this IApplicationBuilder app) => app
        .UseOuterAddress()
        .UseSecurityHeaders()
        .UseProblems()
        .UseProviderLimit()
        .UseAuthentication()
        .UseRateLimiter()
        .UseAuthorization();

    /// <summary>Maps health, metrics and, unless the process is only a worker, the sign-in, the admin pages and <c>/api</c>.</summary>
    public static IEndpointRouteBuilder MapPlatformApi(this IEndpointRouteBuilder routes)
    {
        routes.MapHealth();
        routes.MapMetrics();
        var settings = routes.ServiceProvider.GetRequiredService<PlatformSettings>();
        if (settings.Role == ProcessRole.Worker) return routes;

        routes.MapSignIn();
        routes.MapAdmin();
        var api = routes.MapGroup("/api").WithMetadata(new RequestSizeLimitAttribute(MostBytesRead)).RefuseUnknownQuery();
        api.MapJobs();
        api.MapRunJob();
        api.MapRuns();
        api.MapRunEvents();
        api.MapBulkRuns();
        api.MapSchedules();
        api.MapHandlers();
        api.MapWebhooks();
        api.MapEmails();
        api.MapEvents();
        api.MapLeaderboards();
        api.MapDirectories();
        api.MapLogs();
        api.MapInternalJobs();
        if (settings.HasDebugRoutes) api.MapDebug();
        api.MapStripe();
        routes.MapApiDocument();
        return routes;
    }
}
