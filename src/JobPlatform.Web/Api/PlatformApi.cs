using JobPlatform.Core.Settings;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
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

    /// <summary>Adds the bearer key's authentication, the policy that closes every route, and the rate limits.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="settings">Keys and limits; without any key every route but health answers 401.</param>
    public static IServiceCollection AddPlatformApi(this IServiceCollection services, PlatformSettings settings)
    {
        services.AddBearerKeys(settings.JobsSecretKeys);
        services.AddCallerLimits(settings.TriggersPerMinute);
        return services;
    }

    /// <summary>
    /// Adds the middleware, outermost first: headers, problems, who it is, how often, whether they may. The key is
    /// checked before anything of the request but its headers is read.
    /// </summary>
    public static IApplicationBuilder UsePlatformApi(this IApplicationBuilder app)
    {
        app.UseWhen(IsApi, api => api.Use(AddHeaders).UseProblems());
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
        return app;
    }

    /// <summary>Maps health and, unless the process is only a worker, <c>/api</c>.</summary>
    public static IEndpointRouteBuilder MapPlatformApi(this IEndpointRouteBuilder routes)
    {
        routes.MapHealth();
        if (routes.ServiceProvider.GetRequiredService<PlatformSettings>().Role == ProcessRole.Worker) return routes;

        var api = routes.MapGroup("/api")
            .RequireAuthorization(BearerKeys.Policy)
            .WithMetadata(new RequestSizeLimitAttribute(MostBytesRead));
        api.MapRunJob();
        api.MapRuns();
        api.MapHandlers();
        return routes;
    }

    private static bool IsApi(HttpContext context) =>
        context.Request.Path.StartsWithSegments("/api") || context.Request.Path.StartsWithSegments("/health");

    private static Task AddHeaders(HttpContext context, RequestDelegate next)
    {
        // At the last moment: what handles an exception clears the headers that were set before.
        context.Response.OnStarting(static state =>
        {
            var headers = ((HttpContext)state).Response.Headers;
            headers["X-Robots-Tag"] = "noindex, nofollow, noarchive";
            headers.CacheControl = "no-store";
            headers.XContentTypeOptions = "nosniff";
            return Task.CompletedTask;
        }, context);
        return next(context);
    }
}
