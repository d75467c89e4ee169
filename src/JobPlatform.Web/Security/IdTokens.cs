using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace JobPlatform.Web.Security;

/// <summary>Somebody whom the provider vouches for, and who may come in.</summary>
/// <param name="Email">The address, verified by the provider.</param>
/// <param name="Role">What the settings make of the claims.</param>
/// <param name="ProvedAt">When the provider last saw the password; long ago where it does not say.</param>
internal sealed record Person(string Email, AdminRole Role, DateTimeOffset ProvedAt);

/// <summary>Checks identity tokens and says who it is. Thread-safe.</summary>
internal sealed class IdTokens(PlatformSettings settings, TimeProvider clock)
{
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(2);

    // Only what the provider's public keys can check: none and HMAC are not in the list.
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private readonly OidcSettings _oidc = settings.Oidc!;
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };

    /// <summary>The person, when everything about the token is right.</summary>
    /// <exception cref="AuthenticationFailureException">Something is not; the message says what, for the log.</exception>
    public async Task<Person> ReadAsync(
        string? token, string? nonce, OidcDiscovery discovery, CancellationToken cancellation)
    {
        if (token is null) throw new AuthenticationFailureException("The provider gave no id_token.");
        var result = await ValidateAsync(token, await discovery.GetAsync(cancellation));
        // The provider signs with a new key.
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
            result = await ValidateAsync(token, await discovery.RefreshAsync(cancellation));
        if (!result.IsValid) throw new AuthenticationFailureException("The provider's id_token is not valid.", result.Exception);
        return Read(result.ClaimsIdentity, nonce);
    }

    private Task<TokenValidationResult> ValidateAsync(string token, OpenIdConnectConfiguration provider) =>
        _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = provider.Issuer,
            ValidAudience = _oidc.ClientId,
            IssuerSigningKeys = provider.SigningKeys,
            ValidAlgorithms = Algorithms,
            LifetimeValidator = (notBefore, expires, _, _) =>
                expires > (clock.GetUtcNow() - Skew).UtcDateTime && !(notBefore > (clock.GetUtcNow() + Skew).UtcDateTime),
        });

    private Person Read(ClaimsIdentity token, string? nonce)
    {
        var value = (string name) => token.FindFirst(name)?.Value;
        if (nonce is null || value("nonce") is not { } given || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(nonce), Encoding.UTF8.GetBytes(given)))
            throw new AuthenticationFailureException("The id_token has another nonce than the sign-in that was begun.");
        if (value("azp") is { } party && party != _oidc.ClientId)
            throw new AuthenticationFailureException($"The id_token was made for '{party}' (azp).");
        if (value("email") is not { Length: > 0 } email || AdminAccounts.FindFault(email) is not null)
            throw new AuthenticationFailureException("The id_token has no claim email: let the provider give it to this client.");
        // An address that anybody could have typed in would open the account of whoever has it.
        if (!string.Equals(value("email_verified"), "true", StringComparison.OrdinalIgnoreCase))
            throw new AuthenticationFailureException($"The provider does not say that the address {email} is verified (claim email_verified).");
        // A provider that does not say it may have seen the password long ago: who wants to destroy confirms first, and to
        // that (max_age) it has to say it.
        var now = clock.GetUtcNow();
        var provedAt = !long.TryParse(value("auth_time"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? DateTimeOffset.UnixEpoch
            : seconds < now.ToUnixTimeSeconds() ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            // Its clock is ahead.
            : now;
        return new(email, FindRole(token) ?? throw new AuthenticationFailureException(
            $"{email} is in neither OIDC_ADMINS nor OIDC_VIEWERS by the claim {_oidc.RoleClaim}."), provedAt);
    }

    private AdminRole? FindRole(ClaimsIdentity token)
    {
        var values = token.FindAll(_oidc.RoleClaim).Select(claim => claim.Value).ToList();
        return values.Any(value => _oidc.Admins.Contains(value, StringComparer.OrdinalIgnoreCase)) ? AdminRole.Admin
            : _oidc.Viewers.Contains("*") || values.Any(value => _oidc.Viewers.Contains(value, StringComparer.OrdinalIgnoreCase)) ? AdminRole.Viewer
            : null;
    }
}
