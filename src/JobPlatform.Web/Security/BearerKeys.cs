using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using JobPlatform.Core.Administration;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace JobPlatform.Web.Security;

/// <summary>The keys that are taken, beside those of API clients.</summary>
internal sealed class BearerKeyOptions : AuthenticationSchemeOptions
{
    /// <summary>SHA-256 of each of the operator's keys (<c>JOBS_SECRET_KEY</c>); the keys themselves are not kept.</summary>
    public IReadOnlyList<byte[]> OperatorHashes { get; set; } = [];
}

/// <summary>
/// <c>Authorization: Bearer KEY</c>: the operator's key, compared in a time that tells nothing about it, or the key of an
/// API client, found by its hash.
/// </summary>
internal sealed class BearerKeyHandler(
    IOptionsMonitor<BearerKeyOptions> options, ILoggerFactory logs, UrlEncoder encoder, KnownClients clients)
    : AuthenticationHandler<BearerKeyOptions>(options, logs, encoder)
{
    public const string SchemeName = "key";

    private const string Prefix = "Bearer ";

    // Hashes have one length, so that not even the key's length shows in the time of the comparison.
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers.Authorization is not [{ } header] || !header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            return AuthenticateResult.NoResult();

        var key = header[Prefix.Length..].Trim();
        var given = Hash(key);
        var isOperator = false;
        foreach (var hash in Options.OperatorHashes) isOperator |= CryptographicOperations.FixedTimeEquals(hash, given);
        // The key and the one before it are the same caller: replacing it changes no limit.
        if (isOperator) return Success(new() { Kind = CallerKind.Operator, Name = Actor.Operator.Name });

        return await clients.FindAsync(key) is { } client
            ? Success(new() { Kind = CallerKind.Client, Name = Actor.Client(client.Name).Name, Scopes = client.Scopes, Company = client.Company })
            : AuthenticateResult.Fail("The key is not known.");
    }

    private AuthenticateResult Success(Caller caller) =>
        AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(caller.ToIdentity(Scheme.Name)), Scheme.Name));
}

/// <summary>The clients that called in the last seconds. Thread-safe.</summary>
internal sealed class KnownClients(ApiClients clients, TimeProvider clock)
{
    // How long a disabled client may go on.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private readonly Remembered<string, ApiClient> _known = new(Lifetime, clock);

    public async ValueTask<ApiClient?> FindAsync(string key) =>
        ApiClients.IsKey(key) ? await _known.GetAsync(key, asked => clients.FindByKeyAsync(asked)) : null;
}
