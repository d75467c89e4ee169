using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace JobPlatform.Web.Security;

/// <summary>What the provider says of itself: its addresses and public keys. Asked for when needed; thread-safe.</summary>
/// <remarks>Not the library's ConfigurationManager: asked to refresh, it goes on with the old keys for a while.</remarks>
internal sealed class OidcDiscovery(OidcSettings oidc, HttpClient backchannel, TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    private readonly string _address = $"{oidc.Authority.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration";
    private readonly HttpDocumentRetriever _documents = new(backchannel) { RequireHttps = oidc.Authority.Scheme == Uri.UriSchemeHttps };
    private readonly Remembered<string, OpenIdConnectConfiguration> _known = new(Lifetime, clock);

    /// <summary>What it said in the last hours.</summary>
    /// <exception cref="AuthenticationFailureException">It does not answer as a provider does.</exception>
    public async Task<OpenIdConnectConfiguration> GetAsync(CancellationToken cancellation) =>
        (await _known.GetAsync(_address, address => AskAsync(address, cancellation)))!;

    /// <summary>What it says now, for a token that is signed with a key that was not there before.</summary>
    /// <exception cref="AuthenticationFailureException">It does not answer as a provider does.</exception>
    public Task<OpenIdConnectConfiguration> RefreshAsync(CancellationToken cancellation)
    {
        _known.Forget(_address);
        return GetAsync(cancellation);
    }

    private async Task<OpenIdConnectConfiguration?> AskAsync(string address, CancellationToken cancellation)
    {
        try
        {
            return await OpenIdConnectConfigurationRetriever.GetAsync(address, _documents, cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            // The library has no one type for what can be wrong with another's answer.
            throw new AuthenticationFailureException($"The OpenID Connect provider does not describe itself at {address}: {e.Message}", e);
        }
    }
}
