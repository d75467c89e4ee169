using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Web.Security;

/// <summary>Who calls (a key or a session) and whether they may, as services.</summary>
internal static class SecurityServices
{
    // A request with a key is the key's, whatever cookies come along: no browser adds that header by itself.
    private const string CallerScheme = "caller";

    public static void AddCallers(this IServiceCollection services, PlatformSettings settings)
    {
        services.AddSingleton<KnownClients>().AddSingleton<StillAllowed>().AddSingleton<AdminSessions>();
        services.AddSingleton<SignInThrottle>().AddSingleton<PasswordCheck>().AddSingleton<Sessions>();
        services.AddAuthentication(CallerScheme)
            .AddPolicyScheme(CallerScheme, null, options => options.ForwardDefaultSelector =
                context => context.Request.Headers.Authorization.Count > 0 ? BearerKeyHandler.SchemeName : Sessions.SchemeName)
            .AddScheme<BearerKeyOptions, BearerKeyHandler>(BearerKeyHandler.SchemeName,
                options => options.OperatorHashes = [.. settings.JobsSecretKeys.Select(BearerKeyHandler.Hash)])
            .AddCookie(Sessions.SchemeName, options => Sessions.Describe(options, settings))
            .AddOidc(settings.Oidc);
        services.AddSessionKeys(settings);
    }

    public static void AddAccess(this IServiceCollection services)
    {
        services.AddAntiforgery(options =>
        {
            options.HeaderName = CrossSiteGuard.Header;
            options.FormFieldName = CrossSiteGuard.Field;
            options.Cookie.Name = "jobplatform_csrf";
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            // Said by the Content-Security-Policy of every answer.
            options.SuppressXFrameOptionsHeader = true;
        });
        services.AddSingleton<CrossSiteGuard>();
        services.AddSingleton<IAuthorizationHandler, AccessHandler>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, AccessAnswers>();
        // The fallback closes what nobody decided about: routes without a rule, and addresses without a route.
        services.AddAuthorizationBuilder().SetFallbackPolicy(
            new AuthorizationPolicyBuilder().RequireAuthenticatedUser().AddRequirements(new UndecidedRoutes()).Build());
    }

    private static void AddSessionKeys(this IServiceCollection services, PlatformSettings settings)
    {
        var keys = services.AddDataProtection().SetApplicationName("jobplatform");
        if (settings.Role == ProcessRole.Worker)
        {
            // It has no sessions, and perhaps no key to seal with.
            keys.UseEphemeralDataProtectionProvider();
            return;
        }
        services.AddSingleton<SealedKeys>();
        services.AddOptions<KeyManagementOptions>().Configure<SealedKeys>((options, repository) => options.XmlRepository = repository);
        // It warns of keys that are stored in the clear, and cannot know that the repository seals them.
        services.AddLogging(logs => logs.AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error));
    }
}
