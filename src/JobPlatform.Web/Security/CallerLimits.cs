using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>
/// How often one may ask in any minute: a caller by its identity, one without a good key by its address. The two are
/// counted apart, so that nobody can lock out a caller by guessing keys from behind the same proxy. What changes
/// something is counted once more, by how much harm it does.
/// </summary>
internal static class CallerLimits
{
    // A person who mistypes needs a few; the keys have 32 characters or more.
    private const int FailuresPerMinute = 30;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private const int Segments = 12;

    public static void AddCallerLimits(this IServiceCollection services, AccessSettings settings) =>
        services.AddRateLimiter(options =>
        {
            options.GlobalLimiter = PartitionedRateLimiter.CreateChained(
                PartitionedRateLimiter.Create<HttpContext, string>(context => OfCalls(context, settings)),
                PartitionedRateLimiter.Create<HttpContext, string>(context => OfChanges(context, settings)));
            options.OnRejected = (rejected, _) => new(Refuse(rejected).ExecuteAsync(rejected.HttpContext));
        });

    /// <summary>The address, or, where one has many, all of them: whoever has one IPv6 address has the 2^64 of its network.</summary>
    public static string Network(IPAddress? address) => address switch
    {
        null => "unknown",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        { AddressFamily: AddressFamily.InterNetworkV6 } => new IPAddress([.. address.GetAddressBytes()[..8], .. new byte[8]]).ToString(),
        _ => address.ToString(),
    };

    private static RateLimitPartition<string> OfCalls(HttpContext context, AccessSettings settings)
    {
        if (context.FindCaller() is { } caller) return Limit($"caller {caller.Name}", settings.CallsPerMinute);
        // Also outside /api, where an answer to a guessed key would tell as much. Pages and probes are free.
        return context.Request.Path.StartsWithSegments("/api") || context.Request.Headers.Authorization.Count > 0 || HttpMethods.IsPost(context.Request.Method)
            ? Limit($"address {Network(context.Connection.RemoteIpAddress)}", Math.Min(FailuresPerMinute, settings.CallsPerMinute))
            : RateLimitPartition.GetNoLimiter("");
    }

    private static RateLimitPartition<string> OfChanges(HttpContext context, AccessSettings settings)
    {
        if (context.FindCaller() is not { } caller) return RateLimitPartition.GetNoLimiter("");
        if (PageCommands.IsCommand(context)) return Limit($"destructions {caller.Name}", settings.DestructionsPerMinute);
        if (context.GetEndpoint()?.Metadata.GetMetadata<AccessRule>() is not { Access: Access.Write or Access.Destroy } rule)
            return RateLimitPartition.GetNoLimiter("");
        if (!caller.IsSession) return Limit($"triggers {caller.Name}", settings.TriggersPerMinute);
        if (rule.Access == Access.Destroy) return Limit($"destructions {caller.Name}", settings.DestructionsPerMinute);
        return rule.Scope == ClientScopes.JobsRun
            ? Limit($"manual runs {caller.Name}", settings.ManualRunsPerMinute)
            : Limit($"changes {caller.Name}", settings.ChangesPerMinute);
    }

    private static RateLimitPartition<string> Limit(string key, int calls) =>
        RateLimitPartition.GetSlidingWindowLimiter(key, _ => new SlidingWindowRateLimiterOptions
        {
            PermitLimit = calls,
            Window = Window,
            SegmentsPerWindow = Segments,
        });

    private static Problem Refuse(OnRejectedContext rejected)
    {
        var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter : Window / Segments;
        return new(StatusCodes.Status429TooManyRequests, "too-many-requests", "Too many requests.",
            "This caller has used up its requests of the last minute. Try again after the seconds in the header Retry-After.")
        {
            RetryAfter = wait,
        };
    }
}
