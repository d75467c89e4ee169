using System.Globalization;
using System.Security.Claims;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>What a caller has shown.</summary>
public enum CallerKind
{
    /// <summary>The server's <c>JOBS_SECRET_KEY</c>.</summary>
    Operator,

    /// <summary>The key of an API client.</summary>
    Client,

    /// <summary>The session of an admin.</summary>
    Admin,

    /// <summary>The session of somebody who may only look.</summary>
    Viewer,
}

/// <summary>Who calls. Immutable.</summary>
public sealed record Caller
{
    private const string KindClaim = "kind";
    private const string ScopeClaim = "scope";
    private const string CompanyClaim = "company";
    private const string ProvedAtClaim = "proved_at";

    /// <summary>What it has shown.</summary>
    public required CallerKind Kind { get; init; }

    /// <summary>Its name, as <see cref="Actor"/> has it.</summary>
    public required string Name { get; init; }

    /// <summary>What a client may do.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>The company that a client works for; null for all of them.</summary>
    public string? Company { get; init; }

    /// <summary>When a session last showed its password or came from the OIDC provider.</summary>
    public DateTimeOffset? ProvedAt { get; init; }

    /// <summary>True for a person who is signed in.</summary>
    public bool IsSession => Kind is CallerKind.Admin or CallerKind.Viewer;

    /// <summary>The caller of an authenticated principal, null for any other.</summary>
    public static Caller? Of(ClaimsPrincipal user) =>
        Enum.TryParse<CallerKind>(user.FindFirstValue(KindClaim), out var kind)
            ? new()
            {
                Kind = kind,
                Name = user.FindFirstValue(ClaimTypes.NameIdentifier)!,
                Scopes = [.. user.FindAll(ScopeClaim).Select(claim => claim.Value)],
                Company = user.FindFirstValue(CompanyClaim),
                ProvedAt = long.TryParse(user.FindFirstValue(ProvedAtClaim), NumberStyles.None, CultureInfo.InvariantCulture, out var at)
                    ? DateTimeOffset.FromUnixTimeSeconds(at)
                    : null,
            }
            : null;

    /// <summary>The principal's identity.</summary>
    /// <param name="scheme">The authentication scheme that found it out.</param>
    /// <param name="more">Claims of the scheme's own.</param>
    internal ClaimsIdentity ToIdentity(string scheme, params IEnumerable<Claim> more)
    {
        var claims = new List<Claim> { new(ClaimTypes.NameIdentifier, Name), new(KindClaim, Kind.ToString()) };
        claims.AddRange(Scopes.Select(scope => new Claim(ScopeClaim, scope)));
        if (Company is not null) claims.Add(new(CompanyClaim, Company));
        if (ProvedAt is { } at) claims.Add(new(ProvedAtClaim, at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)));
        return new ClaimsIdentity([.. claims, .. more], scheme);
    }
}

/// <summary>The caller of a request.</summary>
public static class CallerExtensions
{
    /// <summary>Who calls; null for one that has shown nothing.</summary>
    public static Caller? FindCaller(this HttpContext context) => Caller.Of(context.User);

    /// <summary>Who acts, where from, and whether it may let destructive handlers delete more (<see cref="Actor.MayWiden"/>).</summary>
    public static Actor ToActor(this HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        var caller = context.FindCaller();
        return new(caller?.Name ?? Actor.Anonymous.Name, address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address)
        {
            MayWiden = caller switch
            {
                { Kind: CallerKind.Operator } => true,
                { Kind: CallerKind.Client } => caller.Scopes.Contains(ClientScopes.JobsWrite),
                { Kind: CallerKind.Admin } => context.HasJustProved(caller),
                _ => false,
            },
        };
    }

    /// <summary>Whether a session has shown its password within <c>RECENT_AUTH_MINUTES</c>.</summary>
    internal static bool HasJustProved(this HttpContext context, Caller caller) =>
        context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow() - caller.ProvedAt
            <= context.RequestServices.GetRequiredService<PlatformSettings>().Access.RecentAuth;
}
