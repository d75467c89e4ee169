using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Security;

/// <summary>A browser as far as sessions go: it keeps cookies, follows no redirect, and attests where a request comes from.</summary>
internal sealed class Browser : IDisposable
{
    public const string Password = "a-password-for-tests";

    private readonly HttpClient _client;
    private readonly CookieContainer _cookies = new();

    public Browser(ApiHost host) : this(host.Anonymous.BaseAddress!) { }

    public Browser(Uri address) =>
        _client = new(new SocketsHttpHandler { CookieContainer = _cookies, AllowAutoRedirect = false }) { BaseAddress = address };

    /// <summary>The antiforgery token of its session, once it is signed in.</summary>
    public string? Token { get; set; }

    /// <summary>A clock that stands at now: a cookie that ends in the past would not be kept.</summary>
    public static FakeClock CreateClock() => new(DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()));

    public CookieCollection Cookies => _cookies.GetAllCookies();

    public void Keep(Cookie cookie) => _cookies.Add(cookie);

    /// <summary>Makes an account and signs it in.</summary>
    public static async Task<Browser> SignInAsync(ApiHost host, AdminRole role = AdminRole.Admin, string email = "ada@example.com")
    {
        await host.Services.GetRequiredService<AdminAccounts>().AddAsync(email, role, Password, Actor.CommandLine);
        var browser = new Browser(host);
        var answer = await browser.SignInAsync(email, Password);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NoContent), await answer.Content.ReadAsStringAsync());
        await browser.LoadTokenAsync();
        return browser;
    }

    /// <summary>Loads the page and sends its form, as a script would: the answer is no page.</summary>
    public async Task<HttpResponseMessage> SignInAsync(string email, string password)
    {
        await LoadTokenAsync();
        return await SendAsync(HttpMethod.Post, "/admin/sign-in", Form(("email", email), ("password", password)));
    }

    /// <summary>Takes the token of the session, or, without one, of the sign-in page.</summary>
    public async Task LoadTokenAsync()
    {
        var session = await GetAsync("/admin/session");
        Token = session.IsSuccessStatusCode
            ? (await session.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("csrf_token").GetString()
            : (await (await GetAsync("/admin/sign-in")).Content.ReadAsStringAsync()).Split("name=\"csrf_token\" value=\"")[1].Split('"')[0];
    }

    public Task<HttpResponseMessage> GetAsync(string address) => _client.GetAsync(address);

    /// <summary>As a page's script does: with the token, from this site.</summary>
    public Task<HttpResponseMessage> PostAsync(string address, HttpContent? body = null) => SendAsync(HttpMethod.Post, address, body);

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string address, HttpContent? body = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, address) { Content = body };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (!request.Headers.Contains("Sec-Fetch-Site") && !request.Headers.Contains("Origin")) request.Headers.Add("Sec-Fetch-Site", "same-origin");
        if (Token is not null) request.Headers.TryAddWithoutValidation("X-CSRF-Token", Token);
        return _client.SendAsync(request);
    }

    public static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) =>
        new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    public void Dispose() => _client.Dispose();
}
