using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace JobPlatform.Web.Security;

/// <summary>The operator's key (<c>JOBS_SECRET_KEY</c>) as an authentication scheme and an authorization policy.</summary>
internal static class BearerKeys
{
    public const string Scheme = "jobs-key";
    public const string Policy = "jobs-key";

    public static void AddBearerKeys(this IServiceCollection services, IEnumerable<string> keys)
    {
        var policy = new AuthorizationPolicyBuilder(Scheme).RequireAuthenticatedUser().Build();
        services.AddAuthentication(Scheme).AddScheme<BearerKeyOptions, BearerKeyHandler>(
            Scheme, options => options.Hashes = [.. keys.Select(BearerKeyHandler.Hash)]);
        // The fallback closes what nobody decided about: routes without a policy, and addresses without a route.
        services.AddAuthorizationBuilder().AddPolicy(Policy, policy).SetFallbackPolicy(policy);
    }
}

/// <summary>The keys that are taken.</summary>
internal sealed class BearerKeyOptions : AuthenticationSchemeOptions
{
    /// <summary>SHA-256 of each; the keys themselves are not kept.</summary>
    public IReadOnlyList<byte[]> Hashes { get; set; } = [];
}

/// <summary>Compares <c>Authorization: Bearer KEY</c> with the keys in a time that tells nothing about them.</summary>
internal sealed partial class BearerKeyHandler(IOptionsMonitor<BearerKeyOptions> options, ILoggerFactory logs, UrlEncoder encoder)
    : AuthenticationHandler<BearerKeyOptions>(options, logs, encoder)
{
    private const string Prefix = "Bearer ";

    // Hashes have one length, so that not even the key's length shows in the time of the comparison.
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers.Authorization is not [{ } header] || !header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            return Task.FromResult(AuthenticateResult.NoResult());

        var given = Hash(header[Prefix.Length..].Trim());
        var isKnown = false;
        foreach (var hash in Options.Hashes) isKnown |= CryptographicOperations.FixedTimeEquals(hash, given);
        if (!isKnown) return Task.FromResult(AuthenticateResult.Fail("The key is not known."));

        // The key and the one before it are the same caller: replacing it changes no limit.
        var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, "operator")], Scheme.Name);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
    }

    // One answer for a missing key and a wrong one.
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        LogRefused(Logger, Context.Connection.RemoteIpAddress?.ToString());
        Response.Headers.WWWAuthenticate = "Bearer";
        return new Problem(StatusCodes.Status401Unauthorized, "unauthorized", "A key is needed.",
            "Send the header 'Authorization: Bearer KEY' with the server's JOBS_SECRET_KEY.").ExecuteAsync(Context);
    }

    [LoggerMessage(3021, LogLevel.Warning, "A request from {Address} was refused: it has no key or a wrong one")]
    private static partial void LogRefused(ILogger log, string? address);
}
