using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace JobPlatform.Web.Security;

/// <summary>The framework's OAuth options with what OpenID Connect adds.</summary>
internal sealed class OidcOptions : OAuthOptions
{
    /// <summary>The provider's own description; set once the backchannel is there.</summary>
    public OidcDiscovery Discovery { get; set; } = null!;
}

/// <summary>
/// Sign-in by OpenID Connect: the framework's OAuth handler does the authorization code, the state and PKCE, and this
/// adds discovery, the nonce and the check of the identity token, and makes a session of the platform's own of it.
/// </summary>
internal sealed partial class OidcHandler(
    IOptionsMonitor<OidcOptions> options, ILoggerFactory logs, UrlEncoder encoder, PlatformSettings settings, IdTokens tokens,
    Sessions sessions, AdminAccounts accounts)
    : OAuthHandler<OidcOptions>(options, logs, encoder)
{
    public const string SchemeName = "oidc";

    /// <summary>Where a browser goes to be led to the provider.</summary>
    public const string Address = "/admin/sign-in/oidc";

    /// <summary>Where the provider leads it back to.</summary>
    public const string Callback = Address + "/callback";

    /// <summary>In the properties of a challenge: the provider shall ask for the password, whatever it remembers.</summary>
    public const string Confirm = "confirm";

    private const string Nonce = "nonce";

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        try
        {
            await DiscoverAsync();
        }
        catch (AuthenticationFailureException e)
        {
            LogUnreachable(Logger, e);
            Context.Response.Redirect(SignInEndpoints.ProviderFault);
            return;
        }
        await base.HandleChallengeAsync(properties);
    }

    protected override string BuildChallengeUrl(AuthenticationProperties properties, string redirectUri)
    {
        // Before the base seals the properties into the state.
        var nonce = properties.Items[Nonce] = WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(32));
        var url = QueryHelpers.AddQueryString(base.BuildChallengeUrl(properties, Outer(redirectUri)), Nonce, nonce!);
        return properties.Items.ContainsKey(Confirm)
            ? QueryHelpers.AddQueryString(url, new Dictionary<string, string?> { ["prompt"] = "login", ["max_age"] = "0" })
            : url;
    }

    protected override async Task<HandleRequestResult> HandleRemoteAuthenticateAsync()
    {
        // Another node may have sent the browser away.
        await DiscoverAsync();
        return await base.HandleRemoteAuthenticateAsync();
    }

    protected override Task<OAuthTokenResponse> ExchangeCodeAsync(OAuthCodeExchangeContext context) =>
        base.ExchangeCodeAsync(new(context.Properties, context.Code, Outer(context.RedirectUri)));

    protected override async Task<AuthenticationTicket> CreateTicketAsync(
        ClaimsIdentity identity, AuthenticationProperties properties, OAuthTokenResponse response)
    {
        var idToken = response.Response?.RootElement.TryGetProperty("id_token", out var text) == true ? text.GetString() : null;
        var person = await tokens.ReadAsync(idToken, properties.Items[Nonce], Options.Discovery, Context.RequestAborted);
        var actor = Context.ToActor() with { Name = Actor.Admin(AdminAccounts.Normalize(person.Email)).Name };
        var account = await accounts.EnsureAsync(person.Email, person.Role, actor, Context.RequestAborted)
            ?? throw new AuthenticationFailureException($"The account {person.Email} is disabled.");
        await accounts.RecordSignInAsync(account, SchemeName, actor, Context.RequestAborted);
        return new(await sessions.BeginAsync(account, person.ProvedAt, Context.RequestAborted), new() { RedirectUri = properties.RedirectUri, IsPersistent = true }, Scheme.Name);
    }

    // As people reach this server, who come back to it from the provider.
    private string Outer(string redirectUri) =>
        settings.PublicUrl is { } url ? url.AbsoluteUri.TrimEnd('/') + Callback : redirectUri;

    private async Task DiscoverAsync()
    {
        var provider = await Options.Discovery.GetAsync(Context.RequestAborted);
        (Options.AuthorizationEndpoint, Options.TokenEndpoint) = (provider.AuthorizationEndpoint, provider.TokenEndpoint);
    }

    [LoggerMessage(3041, LogLevel.Error, "The OpenID Connect provider cannot be asked how to sign in")]
    private static partial void LogUnreachable(ILogger log, Exception exception);
}
