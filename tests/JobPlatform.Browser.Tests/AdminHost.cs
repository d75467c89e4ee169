using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Webhooks;
using JobPlatform.Engine.Postgres;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Browser.Tests;

/// <summary>The server on a real port, with or without a worker, on a database that it shares with its like.</summary>
internal sealed class AdminHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private AdminHost(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public IServiceProvider Services => _app.Services;

    /// <param name="database">The platform's database.</param>
    /// <param name="clock">What time it is.</param>
    /// <param name="runsJobs">Whether it is a worker, too.</param>
    public static async Task<AdminHost> StartAsync(TestDatabase database, TimeProvider clock, bool runsJobs)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        ((IConfigurationBuilder)builder.Configuration).AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:Platform"] = database.ConnectionString, ["ConnectionStrings:App"] = database.ConnectionString,
            ["JOBS_SECRET_KEY"] = "bR7-the-key-of-the-server-that-browsers-see", ["ENVIRONMENT"] = "Development",
            ["CALLS_PER_MINUTE"] = "100000", ["CHANGES_PER_MINUTE"] = "10000", ["MANUAL_RUNS_PER_MINUTE"] = "10000",
            ["DESTRUCTIONS_PER_MINUTE"] = "10000", ["SIGN_INS_PER_MINUTE"] = "1000", ["OUTGOING_ALLOW"] = "127.0.0.1",
        });
        var settings = PlatformSettings.Read(builder.Configuration);
        Assert.That(settings.Faults, Is.Empty);
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddProvider(new TestLog());
        builder.Services.AddRouting()
            .AddSingleton(settings).AddSingleton(clock)
            .AddSingleton(new PlatformDatabase(settings.PlatformConnection)).AddSingleton(new AppDatabase(settings.AppConnection))
            .AddSingleton(new HandlerCatalog([typeof(Handlers.HandlersAssembly).Assembly, typeof(Talks).Assembly], builder.Configuration))
            .AddSingleton(PlatformSettings.CreateRedactor(builder.Configuration)).AddSingleton(new SecretBox(settings.JobsSecretKeys))
            .AddSingleton<AuditLog>().AddSingleton<AdminAccounts>().AddSingleton<ApiClients>().AddSingleton<JobCatalog>().AddSingleton<ScheduleSync>()
            .AddWebhooks(settings.OutgoingAllowed)
            .AddOperations()
            .AddPostgresEngine(new EngineOptions { Role = runsJobs ? "all" : "web" })
            .AddPlatformApi(settings);
        if (runsJobs) builder.Services.AddPostgresWorker();
        var app = builder.Build();
        app.UsePlatformApi();
        app.MapPlatformApi();
        await app.StartAsync();
        return new(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    // What the server warns of stands beside the test that it happened in.
    private sealed class TestLog : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            TestContext.Progress.WriteLine($"{logLevel} {eventId.Id}: {formatter(state, exception)} {exception}");

        public void Dispose() { }
    }
}

/// <summary>The system's clock, some time later.</summary>
internal sealed class LaterClock(TimeSpan later) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + later;
}
