using JobPlatform.Core.Administration;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace JobPlatform.Web.Security;

/// <summary>Adds the sign-in by OpenID Connect where it is set.</summary>
internal static partial class OidcServices
{
    public static void AddOidc(this AuthenticationBuilder authentication, OidcSettings? oidc)
    {
        if (oidc is null) return;
        authentication.Services.AddSingleton<IdTokens>();
        authentication.AddOAuth<OidcOptions, OidcHandler>(OidcHandler.SchemeName, options => Describe(options, oidc));
        authentication.Services.AddOptions<OidcOptions>(OidcHandler.SchemeName)
            .Configure<OutgoingHttp>((options, outgoing) => options.BackchannelHttpHandler = new OidcBackchannel(outgoing));
        // After the framework has made the backchannel.
        authentication.Services.AddSingleton<IPostConfigureOptions<OidcOptions>>(
            new PostConfigureOptions<OidcOptions>(OidcHandler.SchemeName, options => options.Discovery = new(oidc, options.Backchannel, options.TimeProvider!)));
    }

    private static void Describe(OidcOptions options, OidcSettings oidc)
    {
        options.ClientId = oidc.ClientId;
        options.ClientSecret = oidc.ClientSecret;
        // The options may not be empty; discovery gives the addresses that are used.
        options.AuthorizationEndpoint = options.TokenEndpoint = oidc.Authority.AbsoluteUri;
        options.CallbackPath = OidcHandler.Callback;
        options.SignInScheme = Sessions.SchemeName;
        options.UsePkce = true;
        // The way out keeps the time.
        options.BackchannelTimeout = Timeout.InfiniteTimeSpan;
        foreach (var scope in new[] { "openid", "email", "profile" }) options.Scope.Add(scope);
        // The provider leads back by a link, with which a lax cookie comes along; none would need HTTPS.
        options.CorrelationCookie.SameSite = SameSiteMode.Lax;
        options.CorrelationCookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.Events = new OAuthEvents { OnRemoteFailure = RefuseAsync };
    }

    // The person is told little, as whoever forges an answer would be told it, too.
    private static async Task RefuseAsync(RemoteFailureContext context)
    {
        var services = context.HttpContext.RequestServices;
        LogFailed(services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(OidcServices)), context.Failure);
        await services.GetRequiredService<AuditLog>().AppendAsync(new(context.HttpContext.ToActor(), "sign-in.failed", null)
        {
            Details = new { Way = OidcHandler.SchemeName, Reason = context.Failure?.Message },
        }, context.HttpContext.RequestAborted);
        context.Response.Redirect(SignInEndpoints.ProviderFault);
        context.HandleResponse();
    }

    [LoggerMessage(3042, LogLevel.Warning, "A sign-in by OpenID Connect was refused")]
    private static partial void LogFailed(ILogger log, Exception? exception);
}
