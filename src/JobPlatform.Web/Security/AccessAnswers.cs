using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace JobPlatform.Web.Security;

/// <summary>What a caller is told that may not: a problem, or, for a browser on its way to a page, the sign-in page.</summary>
internal sealed partial class AccessAnswers(ILogger<AccessAnswers> log) : IAuthorizationMiddlewareResultHandler
{
    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded) return next(context);
        if (authorizeResult.Forbidden)
            return (authorizeResult.AuthorizationFailure?.FailureReasons.OfType<AccessRefused>().FirstOrDefault()?.Answer ?? Undecided).ExecuteAsync(context);
        if (WantsPage(context.Request))
        {
            context.Response.Redirect(SignInEndpoints.AddressFor(context.Request));
            return Task.CompletedTask;
        }
        LogRefused(context.Connection.RemoteIpAddress?.ToString());
        context.Response.Headers.WWWAuthenticate = "Bearer";
        // One answer for a missing key and a wrong one, for a session that has ended and one that never was.
        return Unauthorized.ExecuteAsync(context);
    }

    public static bool WantsPage(HttpRequest request) =>
        !request.Path.StartsWithSegments("/api") && request.Headers.Authorization.Count == 0
        && request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));

    private static Problem Unauthorized { get; } = new(StatusCodes.Status401Unauthorized, "unauthorized", "A key is needed.",
        "Send the header 'Authorization: Bearer KEY' with the server's JOBS_SECRET_KEY or a client's key, or sign in at /admin/sign-in.");

    private static Problem Undecided { get; } = new(StatusCodes.Status403Forbidden, "forbidden", "Nobody may call this.",
        "The route does not say who may call it. Its maker adds .RequireAccess(…).");

    [LoggerMessage(3021, LogLevel.Warning, "A request from {Address} was refused: it has no key or a wrong one")]
    private partial void LogRefused(string? address);
}
