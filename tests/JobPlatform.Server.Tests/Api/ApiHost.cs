using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Webhooks;
using JobPlatform.Core.Engine;
using JobPlatform.Engine.Postgres;
using JobPlatform.Handlers;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Server.Tests.Api;

/// <summary>The API alone on a real socket and a database of its own; no worker runs what it enqueues.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    public const string Key = "kE7-first-of-the-keys-that-tests-show";
    public const string PreviousKey = "pR3-second-of-the-keys-that-tests-show";

    private readonly WebApplication _app;
    private readonly bool _ownsDatabase;

    private ApiHost(WebApplication app, TestDatabase database, bool ownsDatabase)
    {
        (_app, Database, _ownsDatabase) = (app, database, ownsDatabase);
        Anonymous = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        Client = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { BaseAddress = Anonymous.BaseAddress };
        Client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
    }

    public TestDatabase Database { get; }

    /// <summary>Sends the key.</summary>
    public HttpClient Client { get; }

    public HttpClient Anonymous { get; }

    public IServiceProvider Services => _app.Services;

    public LogCollector Logs => _app.Services.GetRequiredService<LogCollector>();

    /// <param name="clock">Default: the system's.</param>
    /// <param name="platform">The connection to the platform's database; default: the host's own.</param>
    /// <param name="withSample">True for a database with the sample application's tables.</param>
    /// <param name="settings">Operator's settings, NAME=value.</param>
    /// <param name="map">Further routes.</param>
    /// <param name="add">Further services.</param>
    /// <param name="shared">The database of another host, whose further node this one is; default: one of its own.</param>
    public static async Task<ApiHost> StartAsync(TimeProvider? clock = null, string? platform = null, string? application = null,
        Action<IEndpointRouteBuilder>? map = null, TestDatabase? shared = null, bool withSample = false, Action<IServiceCollection>? add = null,
        params string[] settings)
    {
        var database = shared ?? await (withSample ? TestDatabase.CreateWithSampleAsync() : TestDatabase.CreateAsync());
        var values = settings.Select(setting => setting.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1]));
        // Empty, as the server has it: what the API needs beyond that it must bring.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        ((IConfigurationBuilder)builder.Configuration).AddInMemoryCollection(
        [
            new("ConnectionStrings:Platform", platform ?? database.ConnectionString), new("ConnectionStrings:App", application ?? database.ConnectionString),
            new("JOBS_SECRET_KEY", Key), new("JOBS_SECRET_KEY_PREVIOUS", PreviousKey),
        ]).AddInMemoryCollection(values);
        var read = PlatformSettings.Read(builder.Configuration);
        Assert.That(read.Faults, Is.Empty);
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRouting()
            .AddSingleton<LogCollector>().AddSingleton<ILoggerProvider>(services => services.GetRequiredService<LogCollector>())
            .AddSingleton(read)
            .AddSingleton(clock ?? TimeProvider.System)
            .AddSingleton(new PlatformDatabase(read.PlatformConnection))
            .AddSingleton(new AppDatabase(read.AppConnection))
            .AddSingleton(new HandlerCatalog([typeof(HandlersAssembly).Assembly], builder.Configuration))
            .AddSingleton(PlatformSettings.CreateRedactor(builder.Configuration)).AddSingleton(new SecretBox(read.JobsSecretKeys)).AddSingleton<AuditLog>().AddSingleton<AdminAccounts>().AddSingleton<ApiClients>()
            .AddWebhooks(read.OutgoingAllowed)
            .AddOperations()
            .AddPostgresEngine(new EngineOptions { Role = "web" })
            .AddPlatformApi(read);
        add?.Invoke(builder.Services);
        var app = builder.Build();
        app.UsePlatformApi();
        app.MapPlatformApi();
        map?.Invoke(app);
        await app.StartAsync();
        return new ApiHost(app, database, shared is null);
    }

    public Task StopAsync() => _app.StopAsync();

    /// <summary>Makes a job and returns its id.</summary>
    public Task<long> AddJobAsync(string name, string handler = "test-job", bool isEnabled = true) =>
        Database.ScalarAsync<long>(
            "INSERT INTO jobplatform.jobs (name, handler, is_enabled) VALUES (@name, @handler, @isEnabled) RETURNING id",
            new { name, handler, isEnabled });

    public Task<HttpResponseMessage> RunAsync(string json, string? idempotencyKey = null) =>
        RunAsync(new StringContent(json, Encoding.UTF8, "application/json"), idempotencyKey);

    public Task<HttpResponseMessage> RunAsync(HttpContent body, string? idempotencyKey = null, bool isChunked = false)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/jobs/run") { Content = body, Headers = { TransferEncodingChunked = isChunked } };
        if (idempotencyKey is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        return Client.SendAsync(request);
    }

    /// <summary>Sends JSON with the key.</summary>
    public Task<HttpResponseMessage> SendAsync(string method, string address, string? json = null, string? ifMatch = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), address);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        return Client.SendAsync(request);
    }

    /// <summary>What a good answer to a GET holds.</summary>
    public async Task<JsonElement> GetAsync(string address)
    {
        var answer = await Client.GetAsync(address);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(200), text);
        return JsonElement.Parse(text);
    }

    /// <summary>All items of a list, read page by page.</summary>
    public async Task<IReadOnlyList<JsonElement>> ListAsync(string address, int limit)
    {
        var items = new List<JsonElement>();
        var join = address.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await GetAsync($"{address}{join}limit={limit}{(cursor.Length > 0 ? $"&cursor={cursor}" : "")}");
            items.AddRange(page.GetProperty("items").EnumerateArray());
            cursor = page.GetProperty("next").GetString();
        }
        return items;
    }

    /// <summary>Enqueues a run and returns its id.</summary>
    public async Task<Guid> EnqueueAsync(string json) => (await (await RunAsync(json)).ReadAsync()).GetProperty("run_id").GetGuid();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Anonymous.Dispose();
        await _app.DisposeAsync();
        if (_ownsDatabase) await Database.DisposeAsync();
    }
}

/// <summary>Everything that was logged, at any level.</summary>
internal sealed class LogCollector : ILoggerProvider
{
    private readonly ConcurrentQueue<(EventId Event, string Text)> _lines = new();

    public IReadOnlyList<(EventId Event, string Text)> Lines => [.. _lines];

    public ILogger CreateLogger(string categoryName) => new Logger(_lines);

    public void Dispose() { }

    private sealed class Logger(ConcurrentQueue<(EventId, string)> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue((eventId, $"{formatter(state, exception)} {exception}"));
    }
}

internal static class Answers
{
    public static async Task<JsonElement> ReadAsync(this HttpResponseMessage answer) =>
        JsonElement.Parse(await answer.Content.ReadAsStringAsync());

    /// <summary>Asserts status, media type, type and the members that every problem has; returns the problem.</summary>
    public static async Task<JsonElement> ShouldBeProblemAsync(this HttpResponseMessage answer, int status, string name)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), text);
        var problem = JsonElement.Parse(text);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/problem+json"));
            Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo($"urn:jobplatform:problem:{name}"));
            Assert.That(problem.GetProperty("status").GetInt32(), Is.EqualTo(status));
            Assert.That(problem.GetProperty("title").GetString(), Is.Not.Empty);
            Assert.That(problem.GetProperty("detail").GetString(), Is.Not.Empty);
        }
        return problem;
    }

    /// <summary>The fields that a problem names, in their order.</summary>
    public static string Fields(this JsonElement problem) =>
        string.Join(", ", problem.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("field")));

    /// <summary>The members' names, in their order.</summary>
    public static string Names(this JsonElement value) => string.Join(", ", value.EnumerateObject().Select(member => member.Name));

    public static string MessageOf(this JsonElement problem, string field) =>
        problem.GetProperty("errors").EnumerateArray().First(error => error.GetProperty("field").GetString() == field).GetProperty("message").GetString()!;

    public static AuthenticationHeaderValue Bearer(string key) => new("Bearer", key);
}
