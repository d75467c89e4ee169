using System.Net;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace JobPlatform.Web.Security;

/// <summary>What a caller is told that may not: a problem, or, for a browser on its way to a page, the sign-in page.</summary>
internal sealed partial class AccessAnswers(TimeProvider clock, ILogger<AccessAnswers> log) : IAuthorizationMiddlewareResultHandler
{
    // A warning may be a row of error_logs, and anybody may ask.
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private long? _lastWarning;
    private int _refused;

    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded) return next(context);
        if (authorizeResult.Forbidden)
        {
            var answer = authorizeResult.AuthorizationFailure?.FailureReasons.OfType<AccessRefused>().FirstOrDefault()?.Answer ?? Undecided;
            return answer.Name == Refusals.RecentAuthName && FindForm(context.Request) is { } form
                ? SignInEndpoints.AskToConfirm(context, form).ExecuteAsync(context)
                : answer.ExecuteAsync(context);
        }
        if (WantsPage(context.Request))
        {
            context.Response.Redirect(SignInEndpoints.AddressFor(context.Request));
            return Task.CompletedTask;
        }
        Count(context.Connection.RemoteIpAddress);
        context.Response.Headers.WWWAuthenticate = "Bearer";
        // One answer for a missing key and a wrong one, for a session that has ended and one that never was.
        return Unauthorized.ExecuteAsync(context);
    }

    private void Count(IPAddress? address)
    {
        int refused;
        lock (_gate)
        {
            _refused++;
            if (_lastWarning is { } at && clock.GetElapsedTime(at) < Pause) return;
            (_lastWarning, refused, _refused) = (clock.GetTimestamp(), _refused, 0);
        }
        LogRefused(refused, address?.ToString());
    }

    public static bool WantsPage(HttpRequest request) =>
        !request.Path.StartsWithSegments("/api") && request.Headers.Authorization.Count == 0
        && request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));

    // Read already, by who looked for the antiforgery token in it.
    private static IFormCollection? FindForm(HttpRequest request) => WantsPage(request) && request.HasFormContentType ? request.Form : null;

    private static Problem Unauthorized { get; } = new(StatusCodes.Status401Unauthorized, "unauthorized", "A key is needed.",
        "Send the header 'Authorization: Bearer KEY' with the server's JOBS_SECRET_KEY or a client's key, or sign in at /admin/sign-in.");

    private static Problem Undecided { get; } = new(StatusCodes.Status403Forbidden, "forbidden", "Nobody may call this.",
        "The route does not say who may call it. Its maker adds .RequireAccess(…).");

    [LoggerMessage(3021, LogLevel.Warning, "{Count} requests were refused since the last such line: they had no key or a wrong one, the last from {Address}")]
    private partial void LogRefused(int count, string? address);
}
