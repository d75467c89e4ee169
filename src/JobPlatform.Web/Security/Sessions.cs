using System.Security.Claims;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>
/// Sign-ins as cookies. A cookie holds who it is and the key of a session in the database, which is looked up every few
/// seconds: a session ends when somebody signs out or its account changes, on every web node, and a copy of its cookie
/// with it. Thread-safe.
/// </summary>
internal sealed class Sessions(AdminSessions sessions, TimeProvider clock)
{
    public const string SchemeName = "session";
    public const string CookieName = "jobplatform_session";

    private const string SessionClaim = "session";

    // How long one that has ended may go on, on the other nodes.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private readonly Remembered<Guid, AdminAccount> _known = new(Lifetime, clock);

    public static void Describe(CookieAuthenticationOptions options, PlatformSettings settings)
    {
        options.Cookie.Name = CookieName;
        options.Cookie.HttpOnly = true;
        // Not strict: a link in a mail shall find the session. What changes something has a token besides.
        options.Cookie.SameSite = SameSiteMode.Lax;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.ExpireTimeSpan = settings.Access.SessionLifetime;
        options.SlidingExpiration = true;
        options.Events.OnValidatePrincipal = context => context.HttpContext.RequestServices.GetRequiredService<Sessions>().ValidateAsync(context);
    }

    /// <summary>Begins a session.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="provedAt">When the person showed the password, here or to the OIDC provider.</param>
    /// <param name="cancellation">Ends the wait; the session may have begun.</param>
    public async Task<ClaimsPrincipal> BeginAsync(AdminAccount account, DateTimeOffset provedAt, CancellationToken cancellation) =>
        Create(account, provedAt, await sessions.BeginAsync(account, cancellation));

    /// <summary>Gives the browser a new session of somebody who has just shown the password.</summary>
    public async Task SignInAsync(HttpContext context, AdminAccount account) =>
        await context.SignInAsync(SchemeName, await BeginAsync(account, clock.GetUtcNow(), context.RequestAborted), Kept);

    /// <summary>Goes on with the session of somebody who has just shown the password again.</summary>
    public Task ConfirmAsync(HttpContext context, AdminAccount account) =>
        context.SignInAsync(SchemeName, Create(account, clock.GetUtcNow(), KeyOf(context.User)!.Value), Kept);

    /// <summary>Ends the session: at once here, within seconds on the other nodes.</summary>
    public async Task EndAsync(HttpContext context)
    {
        var key = KeyOf(context.User)!.Value;
        await sessions.EndAsync(key, context.ToActor(), context.RequestAborted);
        _known.Forget(key);
        await context.SignOutAsync(SchemeName);
    }

    /// <summary>Whether the session of that principal goes on.</summary>
    public async ValueTask<bool> IsAliveAsync(ClaimsPrincipal user, CancellationToken cancellation) =>
        KeyOf(user) is { } key && await _known.GetAsync(key, asked => sessions.FindAccountAsync(asked, cancellation)) is not null;

    // Beyond the end of the browser: the session's own end is inside.
    private static AuthenticationProperties Kept => new() { IsPersistent = true };

    private static ClaimsPrincipal Create(AdminAccount account, DateTimeOffset provedAt, Guid key) => new(new Caller
    {
        Kind = account.Role == AdminRole.Admin ? CallerKind.Admin : CallerKind.Viewer,
        Name = Actor.Admin(account.Email).Name,
        ProvedAt = provedAt,
    }.ToIdentity(SchemeName, new Claim(SessionClaim, key.ToString())));

    private async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        if (context.Principal is null || !await IsAliveAsync(context.Principal, context.HttpContext.RequestAborted)) context.RejectPrincipal();
    }

    private static Guid? KeyOf(ClaimsPrincipal user) => Guid.TryParse(user.FindFirstValue(SessionClaim), out var key) ? key : null;
}
