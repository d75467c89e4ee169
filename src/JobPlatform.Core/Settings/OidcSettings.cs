namespace JobPlatform.Core.Settings;

/// <summary>The OpenID Connect provider by which people may sign in. Immutable.</summary>
public sealed record OidcSettings
{
    /// <summary><c>OIDC_AUTHORITY</c>: the issuer's address; HTTPS, except on this machine.</summary>
    public required Uri Authority { get; init; }

    /// <summary><c>OIDC_CLIENT_ID</c>.</summary>
    public required string ClientId { get; init; }

    /// <summary><c>OIDC_CLIENT_SECRET</c>.</summary>
    public required string ClientSecret { get; init; }

    /// <summary><c>OIDC_ROLE_CLAIM</c>: the claim whose values the two lists hold. Default <c>email</c>.</summary>
    public required string RoleClaim { get; init; }

    /// <summary><c>OIDC_ADMINS</c>: values that make an admin.</summary>
    public required IReadOnlyList<string> Admins { get; init; }

    /// <summary><c>OIDC_VIEWERS</c>: values that make a viewer; <c>*</c> for everybody whom the provider lets in.</summary>
    public required IReadOnlyList<string> Viewers { get; init; }
}
