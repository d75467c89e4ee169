using System.Globalization;
using System.Security.Claims;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>
/// Sign-ins as cookies. A cookie holds who it is and the account's security stamp; the stamp is compared with the
/// account every few seconds, so that a session ends when its account changes, on every web node. Thread-safe.
/// </summary>
internal sealed class Sessions(AdminAccounts accounts, TimeProvider clock)
{
    public const string SchemeName = "session";
    public const string CookieName = "jobplatform_session";

    private const string AccountClaim = "account";
    private const string StampClaim = "stamp";
    private const string StartedClaim = "started_at";

    // How long a session of an account that has changed may go on.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    // Even one that is used every day: a stolen cookie does not last for ever.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    private readonly Remembered<long, AdminAccount> _known = new(Lifetime, clock);

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

    /// <summary>The principal of a session that begins now.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="provedAt">When the person showed the password, here or to the OIDC provider.</param>
    /// <param name="startedAt">When the session began; null for now.</param>
    public ClaimsPrincipal Create(AdminAccount account, DateTimeOffset provedAt, DateTimeOffset? startedAt = null) => new(new Caller
    {
        Kind = account.Role == AdminRole.Admin ? CallerKind.Admin : CallerKind.Viewer,
        Name = Actor.Admin(account.Email).Name,
        ProvedAt = provedAt,
    }.ToIdentity(SchemeName,
        new(AccountClaim, account.Id.ToString(CultureInfo.InvariantCulture)),
        new(StampClaim, account.SecurityStamp.ToString()),
        new(StartedClaim, (startedAt ?? clock.GetUtcNow()).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture))));

    /// <summary>Gives the browser a new session.</summary>
    public Task BeginAsync(HttpContext context, AdminAccount account) =>
        context.SignInAsync(SchemeName, Create(account, clock.GetUtcNow()), Kept);

    /// <summary>Goes on with the session of somebody who has just shown the password again.</summary>
    public Task ConfirmAsync(HttpContext context, AdminAccount account) =>
        context.SignInAsync(SchemeName, Create(account, clock.GetUtcNow(), Time(context.User, StartedClaim)), Kept);

    // Beyond the end of the browser: the session's own end is inside.
    private static AuthenticationProperties Kept => new() { IsPersistent = true };

    private async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        if (context.Principal is { } user
            && Time(user, StartedClaim) is { } startedAt && clock.GetUtcNow() - startedAt < Longest
            && long.TryParse(user.FindFirstValue(AccountClaim), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            && await _known.GetAsync(id, asked => accounts.FindAsync(asked, context.HttpContext.RequestAborted)) is { IsDisabled: false } account
            && await IsCurrentAsync(user, account))
            return;
        context.RejectPrincipal();
    }

    // A session may be newer than what is remembered of its account.
    private async ValueTask<bool> IsCurrentAsync(ClaimsPrincipal user, AdminAccount known) =>
        IsStamp(user, known) || (await accounts.FindAsync(known.Id) is { IsDisabled: false } account && IsStamp(user, account));

    private static bool IsStamp(ClaimsPrincipal user, AdminAccount account) => user.FindFirstValue(StampClaim) == account.SecurityStamp.ToString();

    private static DateTimeOffset? Time(ClaimsPrincipal user, string claim) =>
        long.TryParse(user.FindFirstValue(claim), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
}
