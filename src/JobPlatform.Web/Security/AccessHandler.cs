using JobPlatform.Core.Administration;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Security;

/// <summary>Decides about one <see cref="AccessRule"/>.</summary>
internal sealed class AccessHandler(CrossSiteGuard guard) : AuthorizationHandler<AccessRule>
{
    protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, AccessRule requirement)
    {
        // Nobody known: a key or a sign-in is asked for.
        if (context.Resource is not HttpContext http || Caller.Of(context.User) is not { } caller) return;
        if (await FindRefusalAsync(http, caller, requirement) is { } refusal) context.Fail(new AccessRefused(this, refusal));
        else context.Succeed(requirement);
    }

    private async Task<Problem?> FindRefusalAsync(HttpContext http, Caller caller, AccessRule rule)
    {
        if (!caller.IsSession)
            return rule.Access == Access.Self ? SessionNeeded
                // Only these look at the company; everywhere else its client would see all companies' rows.
                : caller.Company is not null && rule.Scope is not (ClientScopes.Leaderboard or ClientScopes.DirectorySync) ? Refusals.ScopeMissing(rule.Scope)
                : caller.Kind == CallerKind.Operator || (rule.Scope is { } scope && caller.Scopes.Contains(scope)) ? null
                : Refusals.ScopeMissing(rule.Scope);
        if (caller.Kind == CallerKind.Viewer && rule.Access is Access.Write or Access.Destroy) return Refusals.ViewersOnlyLook;
        if ((rule.Access is Access.Write or Access.Destroy || !IsSafe(http.Request.Method)) && await guard.FindFaultAsync(http) is { } fault) return fault;
        return rule.Access == Access.Destroy && !http.HasJustProved(caller) ? Refusals.RecentAuthRequired(http, "This cannot be taken back.") : null;
    }

    private static bool IsSafe(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    /// <summary>What a key is told where only a person may come.</summary>
    internal static Problem SessionNeeded { get; } = new(StatusCodes.Status403Forbidden, "session-needed", "This is for people who are signed in.",
        "A key has no session. Call this address with the cookie of a sign-in.");
}

/// <summary>Why a known caller may not, as the answer that it gets.</summary>
internal sealed class AccessRefused(IAuthorizationHandler handler, Problem answer) : AuthorizationFailureReason(handler, answer.Title)
{
    public Problem Answer => answer;
}

/// <summary>
/// Refuses routes that say nothing about their callers. To known callers an address without a route may answer 404, and
/// a wrong method 405 (which routing answers by an endpoint that is no route).
/// </summary>
internal sealed class UndecidedRoutes : AuthorizationHandler<UndecidedRoutes>, IAuthorizationRequirement
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, UndecidedRoutes requirement)
    {
        if (context.Resource is HttpContext http && (http.GetEndpoint() is not RouteEndpoint route || route.Metadata.GetMetadata<AccessRule>() is not null))
            context.Succeed(requirement);
        return Task.CompletedTask;
    }
}
