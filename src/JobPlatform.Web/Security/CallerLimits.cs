using System.Threading.RateLimiting;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace JobPlatform.Web.Security;

/// <summary>Says of a route that each call starts a run: sessions start fewer than they change other things.</summary>
internal sealed record StartsRuns;

/// <summary>
/// How often one may ask in any minute: a caller by its identity, one without a good key by its address. The two are
/// counted apart, so that nobody can lock out a caller by guessing keys from behind the same proxy. What changes
/// something is counted once more, by how much harm it does.
/// </summary>
internal static class CallerLimits
{
    /// <summary>Of one without a good key. A person who mistypes needs a few; the keys have 32 characters or more.</summary>
    public const int FailuresPerMinute = 30;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private const int Segments = 12;

    public static void AddCallerLimits(this IServiceCollection services, AccessSettings settings) =>
        services.AddRateLimiter(options =>
        {
            options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
                PartitionedRateLimiter.Create<HttpContext, string>(context => OfCalls(context, settings)),
                PartitionedRateLimiter.Create<HttpContext, string>(context => OfChanges(context, settings)));
            options.OnRejected = (rejected, _) => new(Refuse(WaitOf(rejected.Lease)).ExecuteAsync(rejected.HttpContext));
        });

    /// <summary>
    /// Limits the way to the OIDC provider and back, where one is set. Before the authentication, whose handler answers the
    /// callback by itself: each asks the provider, and each that fails is written down.
    /// </summary>
    public static IApplicationBuilder UseProviderLimit(this IApplicationBuilder app)
    {
        var settings = app.ApplicationServices.GetRequiredService<PlatformSettings>();
        if (settings.Oidc is null) return app;
        // There and back.
        var limit = new NetworkLimit(2 * settings.Access.SignInsPerMinute);
        app.ApplicationServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(limit.Dispose);
        return app.Use((context, next) =>
            context.Request.Path.StartsWithSegments(OidcHandler.Address) && limit.Count(context.Connection.RemoteIpAddress) is { } wait
                ? Refuse(wait).ExecuteAsync(context)
                : next(context));
    }

    /// <summary>So many calls in any minute.</summary>
    public static RateLimitPartition<string> Limit(string key, int calls) =>
        RateLimitPartition.GetSlidingWindowLimiter(key, _ => new SlidingWindowRateLimiterOptions
        {
            PermitLimit = calls,
            Window = Window,
            SegmentsPerWindow = Segments,
        });

    /// <summary>How long to wait after a refusal.</summary>
    public static TimeSpan WaitOf(RateLimitLease lease) =>
        lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : Window / Segments;

    private static RateLimitPartition<string> OfCalls(HttpContext context, AccessSettings settings)
    {
        if (context.FindCaller() is { } caller) return Limit($"caller {caller.Name}", settings.CallsPerMinute);
        return IsFree(context)
            ? RateLimitPartition.GetNoLimiter("")
            : Limit($"address {Networks.Of(context.Connection.RemoteIpAddress)}", Math.Min(FailuresPerMinute, settings.CallsPerMinute));
    }

    // What costs nothing and leaves no trace: probes, the sign-in page with its style, and the way of a browser to it.
    private static bool IsFree(HttpContext context) =>
        (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        && !context.Request.Path.StartsWithSegments("/api") && context.Request.Headers.Authorization.Count == 0
        && (AccessAnswers.WantsPage(context.Request) || context.GetEndpoint()?.Metadata.GetMetadata<AccessRule>() is { Access: Access.Anyone });

    private static RateLimitPartition<string> OfChanges(HttpContext context, AccessSettings settings)
    {
        if (context.FindCaller() is not { } caller) return RateLimitPartition.GetNoLimiter("");
        if (PageCommands.IsCommand(context)) return Limit($"destructions {caller.Name}", settings.DestructionsPerMinute);
        var route = context.GetEndpoint()?.Metadata;
        if (route?.GetMetadata<AccessRule>() is not { Access: Access.Write or Access.Destroy } rule)
            return RateLimitPartition.GetNoLimiter("");
        if (!caller.IsSession) return Limit($"triggers {caller.Name}", settings.TriggersPerMinute);
        if (rule.Access == Access.Destroy) return Limit($"destructions {caller.Name}", settings.DestructionsPerMinute);
        return route.GetMetadata<StartsRuns>() is not null
            ? Limit($"manual runs {caller.Name}", settings.ManualRunsPerMinute)
            : Limit($"changes {caller.Name}", settings.ChangesPerMinute);
    }

    private static Problem Refuse(TimeSpan wait) =>
        new(StatusCodes.Status429TooManyRequests, "too-many-requests", "Too many requests.",
            "This caller has used up its requests of the last minute. Try again after the seconds in the header Retry-After.")
        {
            RetryAfter = wait,
        };
}
