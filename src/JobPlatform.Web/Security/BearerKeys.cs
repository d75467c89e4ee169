using System.Collections.Concurrent;
using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using JobPlatform.Core.Administration;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
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

    /// <summary>The key that a request shows, null for none.</summary>
    public static string? KeyOf(HttpRequest request) =>
        request.Headers.Authorization is [{ } header] && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? header[Prefix.Length..].Trim() : null;

    // Hashes have one length, so that not even the key's length shows in the time of the comparison.
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (KeyOf(Request) is not { } key) return AuthenticateResult.NoResult();
        var given = Hash(key);
        var isOperator = false;
        foreach (var hash in Options.OperatorHashes) isOperator |= CryptographicOperations.FixedTimeEquals(hash, given);
        // The key and the one before it are the same caller: replacing it changes no limit.
        if (isOperator) return Success(new() { Kind = CallerKind.Operator, Name = Actor.Operator.Name });

        return await clients.FindAsync(key, Context.Connection.RemoteIpAddress) is { } client
            ? Success(new() { Kind = CallerKind.Client, Name = Actor.Client(client.Name).Name, Scopes = client.Scopes, Company = client.Company })
            : AuthenticateResult.Fail("The key is not known.");
    }

    private AuthenticateResult Success(Caller caller) =>
        AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(caller.ToIdentity(Scheme.Name)), Scheme.Name));
}

/// <summary>
/// The clients that called in the last seconds. Keys that are none cost a query each, and so each network may show only a
/// few of them a minute. Thread-safe.
/// </summary>
internal sealed class KnownClients(ApiClients clients, TimeProvider clock) : IDisposable
{
    private const int MostGood = 10_000;

    // How long a disabled client may go on.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private readonly Remembered<string, ApiClient> _known = new(Lifetime, clock);
    private readonly NetworkLimit _guesses = new(CallerLimits.FailuresPerMinute);

    // Keys that were good when they were last asked for: they are looked up whatever others guess behind the same proxy.
    private readonly ConcurrentDictionary<string, bool> _good = new();

    /// <summary>The client whose key this is; null for none, and for one that nobody looks for now.</summary>
    public async ValueTask<ApiClient?> FindAsync(string key, IPAddress? address)
    {
        if (!ApiClients.IsKey(key) || (!_good.ContainsKey(key) && _guesses.IsSpent(address))) return null;
        if (await _known.GetAsync(key, asked => clients.FindByKeyAsync(asked)) is { } client)
        {
            if (_good.Count >= MostGood) _good.Clear();
            _good[key] = true;
            return client;
        }
        _good.TryRemove(key, out _);
        _guesses.Count(address);
        return null;
    }

    public void Dispose() => _guesses.Dispose();
}
