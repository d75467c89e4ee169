using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>What a known caller is told that may not, with the way out.</summary>
internal static class Refusals
{
    /// <summary>The problem's name where a session has to show its password again; the admin pages ask for it and go on.</summary>
    public const string RecentAuthName = "recent-auth-required";

    /// <summary>A viewer wants to change something.</summary>
    public static Problem ViewersOnlyLook { get; } = new(StatusCodes.Status403Forbidden, "forbidden", "A viewer changes nothing.",
        "Your account has the role viewer, and this needs admin. 'jobplatform admins add' makes one.");

    /// <summary>The session has to show its password again.</summary>
    /// <param name="context">The request.</param>
    /// <param name="reason">A sentence: why.</param>
    public static Problem RecentAuthRequired(HttpContext context, string reason)
    {
        var settings = context.RequestServices.GetRequiredService<PlatformSettings>();
        var byProvider = settings.Oidc is null ? "" : ", or without one by GET /admin/sign-in/oidc?confirm=true";
        return new(StatusCodes.Status403Forbidden, RecentAuthName, "Confirm that it is you.",
            $"{reason} Your last sign-in is more than {settings.Access.RecentAuth.TotalMinutes:0} minutes ago. " +
            $"Confirm your password (POST /admin/confirm{byProvider}), and ask again.");
    }

    /// <summary>The client has not the scope.</summary>
    /// <param name="scope">Which; null where no client may call.</param>
    /// <param name="reason">A sentence: why, where the route alone does not tell.</param>
    public static Problem ScopeMissing(string? scope, string? reason = null) => scope is null
        ? new(StatusCodes.Status403Forbidden, "forbidden", "No API client may do this.", "Take the operator's key, or sign in.")
        : new(StatusCodes.Status403Forbidden, "scope-missing", "The client's scopes do not allow this.",
            $"{(reason is null ? "" : reason + " ")}This needs the scope {scope}. 'jobplatform clients add' makes a client that has it.");

    /// <summary>A destructive handler would delete more, and who asks may not let it (<see cref="Actor.MayWiden"/>).</summary>
    /// <param name="context">The request.</param>
    /// <param name="bounds">The fields that are moved out.</param>
    public static Problem TooWide(HttpContext context, IReadOnlyList<ConfigFault> bounds)
    {
        var reason = string.Join(' ', bounds);
        return context.FindCaller() is { IsSession: true } ? RecentAuthRequired(context, reason) : ScopeMissing(ClientScopes.JobsWrite, reason);
    }
}
