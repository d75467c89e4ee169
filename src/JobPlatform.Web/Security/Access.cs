using JobPlatform.Core.Administration;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>Who may call a route. Every route says one of these; one that says nothing serves nobody.</summary>
public enum Access
{
    /// <summary>Whoever comes, known or not.</summary>
    Anyone,

    /// <summary>A person who is signed in, about the own session. No key.</summary>
    Self,

    /// <summary>Looks only: viewers, admins, the operator's key, and clients with the route's scope.</summary>
    Read,

    /// <summary>Changes something: admins, the operator's key, and clients with the route's scope.</summary>
    Write,

    /// <summary>Changes what cannot be taken back: as <see cref="Write"/>, and a session must have signed in a moment ago.</summary>
    Destroy,
}

/// <summary>What a route says of its callers.</summary>
/// <param name="Access">Who may call it.</param>
/// <param name="Scope">The scope (<see cref="ClientScopes"/>) that a client needs; null when no client may call it.</param>
public sealed record AccessRule(Access Access, string? Scope) : IAuthorizationRequirement, IAuthorizationRequirementData
{
    /// <inheritdoc/>
    public IEnumerable<IAuthorizationRequirement> GetRequirements() => [this];
}

/// <summary>The fields of a route's form that hold secrets; they stand in no page, not even in the one that asks for the password.</summary>
internal sealed record SecretFields(params IReadOnlyList<string> Names);

/// <summary>The one way by which routes say who may call them.</summary>
public static class AccessExtensions
{
    /// <summary>
    /// Lets only these callers in. Sessions that change something need the antiforgery token and a request of the own
    /// origin; bearer keys need neither.
    /// </summary>
    /// <param name="route">The route, or a group of routes.</param>
    /// <param name="access">Who may call it.</param>
    /// <param name="scope">The scope that lets an API client in, too.</param>
    /// <exception cref="ArgumentException">There is no such scope, or the access is none that a client could have.</exception>
    public static T RequireAccess<T>(this T route, Access access, string? scope = null) where T : IEndpointConventionBuilder
    {
        if (scope is not null && ClientScopes.FindFault(scope) is { } fault) throw new ArgumentException(fault, nameof(scope));
        if (scope is not null && access is Access.Anyone or Access.Self)
            throw new ArgumentException($"scope: '{scope}' has no meaning beside Access.{access}.", nameof(scope));
        route.WithMetadata(new AccessRule(access, scope));
        return access == Access.Anyone ? route.AllowAnonymous() : route;
    }

    /// <summary>
    /// The same as policies, for pages that are not the platform's own: whoever signs in may look, admins who have shown
    /// their password a moment ago (and the operator's key) may change. Requests that change something need the antiforgery token, as everywhere.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="viewPolicy">The name of the policy that lets a request through.</param>
    /// <param name="changePolicy">The name of the policy by which a page decides what it offers and does.</param>
    public static IServiceCollection AddPageAccess(this IServiceCollection services, string viewPolicy, string changePolicy)
    {
        services.AddAuthorizationBuilder()
            .AddPolicy(viewPolicy, policy => policy.AddRequirements(new AccessRule(Access.Read, null)))
            .AddPolicy(changePolicy, policy => policy.RequireAssertion(MayDestroy));
        return services;
    }

    // Nobody knows how much harm a foreign page's button does: as for Access.Destroy.
    private static bool MayDestroy(AuthorizationHandlerContext context) => Caller.Of(context.User) switch
    {
        { Kind: CallerKind.Operator } => true,
        { Kind: CallerKind.Admin } caller => context.Resource is HttpContext http && http.HasJustProved(caller),
        _ => false,
    };
}
