using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace JobPlatform.Server.Tests.Security;

/// <summary>
/// An OpenID Connect provider on a real socket: discovery, keys, authorization code with PKCE. It lets everybody in at
/// once; a test changes the identity token that it gives.
/// </summary>
internal sealed class StubProvider : IAsyncDisposable
{
    public const string ClientId = "jobs";
    public const string ClientSecret = "cL5-secret-of-the-client-at-the-stub";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, (string Nonce, string Challenge, string RedirectUri)> _codes = new();
    private RsaSecurityKey _key = CreateKey();

    private StubProvider(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    /// <summary>Changes the claims and the rest of each token, before it is signed.</summary>
    public Action<SecurityTokenDescriptor> Change { get; set; } = _ => { };

    /// <summary>How often it still answers 503 when it is asked to describe itself; counted down below zero.</summary>
    public int Stumbles { get; set; }

    /// <summary>The query of the last request for authorization.</summary>
    public IQueryCollection LastRequest { get; private set; } = null!;

    public static async Task<StubProvider> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRouting();
        var app = builder.Build();
        var provider = new StubProvider(app);
        app.MapGet("/.well-known/openid-configuration", () => provider.Stumbles-- > 0 ? Results.StatusCode(503) : Results.Json(new
        {
            issuer = provider.Address, authorization_endpoint = $"{provider.Address}/authorize", token_endpoint = $"{provider.Address}/token",
            jwks_uri = $"{provider.Address}/keys",
        }));
        app.MapGet("/keys", () => Results.Json(new { keys = new[] { provider.PublicKey() } }));
        app.MapGet("/authorize", provider.Authorize);
        app.MapPost("/token", provider.TokenAsync);
        await app.StartAsync();
        return provider;
    }

    /// <summary>Takes another key, as providers do from time to time.</summary>
    public void RollKey() => _key = CreateKey();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IResult Authorize(HttpRequest request)
    {
        LastRequest = request.Query;
        var code = Guid.NewGuid().ToString("N");
        _codes[code] = ($"{request.Query["nonce"]}", $"{request.Query["code_challenge"]}", $"{request.Query["redirect_uri"]}");
        return Results.Redirect(QueryHelpers.AddQueryString($"{request.Query["redirect_uri"]}",
            new Dictionary<string, string?> { ["code"] = code, ["state"] = request.Query["state"] }));
    }

    private async Task<IResult> TokenAsync(HttpRequest request)
    {
        var form = await request.ReadFormAsync();
        var isKnown = _codes.TryRemove($"{form["code"]}", out var asked);
        var challenge = WebEncoders.Base64UrlEncode(SHA256.HashData(Encoding.ASCII.GetBytes($"{form["code_verifier"]}")));
        if (!isKnown || form["client_id"] != ClientId || form["client_secret"] != ClientSecret || challenge != asked.Challenge || form["redirect_uri"] != asked.RedirectUri)
            return Results.Json(new { error = "invalid_grant" }, statusCode: 400);

        var token = new SecurityTokenDescriptor
        {
            Issuer = Address, Audience = ClientId, Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5),
            Claims = new Dictionary<string, object> { ["sub"] = "1", ["email"] = "Grace@example.com", ["email_verified"] = true, ["nonce"] = asked.Nonce },
            SigningCredentials = new(_key, SecurityAlgorithms.RsaSha256),
        };
        Change(token);
        return Results.Json(new { access_token = "unused", token_type = "Bearer", id_token = new JsonWebTokenHandler().CreateToken(token) });
    }

    private object PublicKey()
    {
        var parameters = _key.Rsa.ExportParameters(includePrivateParameters: false);
        return new { kty = "RSA", use = "sig", alg = "RS256", kid = _key.KeyId, n = WebEncoders.Base64UrlEncode(parameters.Modulus!), e = WebEncoders.Base64UrlEncode(parameters.Exponent!) };
    }

    private static RsaSecurityKey CreateKey() => new(RSA.Create(2048)) { KeyId = Guid.NewGuid().ToString("N") };
}
