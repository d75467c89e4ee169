using JobPlatform.Core.Alerts;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Api;

namespace JobPlatform.Server.Composition;

/// <summary>The server process: HTTP, and, by its role, the worker.</summary>
internal static partial class ServeHost
{
    // A worker serves only health, and several on one machine must not quarrel about a port.
    private static string DefaultUrl(ProcessRole role) => role == ProcessRole.Worker ? "http://127.0.0.1:0" : "http://127.0.0.1:5080";

    /// <summary>Serves until it is told to stop.</summary>
    /// <returns>0 after a requested stop; 5 when the settings or the database do not allow a start.</returns>
    public static async Task<int> RunAsync(IConfiguration configuration, string? urls, CancellationToken cancellation)
    {
        var settings = PlatformSettings.Read(configuration, EngineChoice.BuiltIn);
        if (settings.Role != ProcessRole.Worker) settings = settings.RequireServing();
        var addresses = urls ?? configuration["URLS"] ?? DefaultUrl(settings.Role);
        if (FindAddressFault(addresses) is { } fault) settings = settings with { Faults = [.. settings.Faults, fault] };
        if (settings.Faults.Count > 0) return await RefuseAsync("The settings do not allow a start:", settings.Faults);

        await using var app = Build(configuration, settings, addresses);
        try
        {
            await PrepareAsync(app.Services, settings, cancellation);
        }
        catch (MigrationException e)
        {
            return await RefuseAsync("The database is not ready:", [e.Message]);
        }
        catch (Npgsql.NpgsqlException e)
        {
            var redactor = app.Services.GetRequiredService<SecretRedactor>();
            return await RefuseAsync("The database cannot be used:",
                [$"{redactor.Redact(e.Message)}. Check that PostgreSQL runs and that ConnectionStrings__Platform, __Owner and __App fit; 'jobplatform check' tells which does not."]);
        }
        try
        {
            await app.RunAsync(cancellation);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or InvalidOperationException && !app.Lifetime.ApplicationStarted.IsCancellationRequested)
        {
            return await RefuseAsync($"The server cannot listen at {addresses}:", [$"{e.Message} Choose another address with --urls, such as --urls http://127.0.0.1:5081."]);
        }
        return 0;
    }

    private static string? FindAddressFault(string addresses)
    {
        foreach (var address in addresses.Split(';'))
        {
            // A host such as * or + is no host of a URI.
            var probe = address.Replace("://*", "://any", StringComparison.Ordinal).Replace("://+", "://any", StringComparison.Ordinal);
            if (!Uri.TryCreate(probe, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
                return $"--urls: '{address}' is not an address to listen at. Give one such as http://127.0.0.1:5080.";
        }
        return null;
    }

    private static WebApplication Build(IConfiguration configuration, PlatformSettings settings, string addresses)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = configuration["ENVIRONMENT"] ?? Environments.Production,
        });
        builder.Configuration.AddConfiguration(configuration);
        // The framework tells of every request; what matters of it comes as warnings.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // A start that fails is told below, in a sentence.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Logging.AddConfiguration(configuration.GetSection("Logging"));
        builder.Logging.Configure(factory => factory.ActivityTrackingOptions = ActivityTrackingOptions.TraceId | ActivityTrackingOptions.SpanId);
        if (configuration["LOG_FORMAT"] == "json") builder.Logging.AddJsonConsole(console => { console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ"; console.UseUtcTimestamp = true; console.IncludeScopes = true; });
        else builder.Logging.AddSimpleConsole(console => { console.SingleLine = true; console.TimestampFormat = "yyyy-MM-dd HH:mm:ss.fff "; console.UseUtcTimestamp = true; });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.WebHost.UseUrls(addresses.Split(';'));
        builder.Services.AddRouting();
        if (settings.LogsEnabled) builder.Services.AddErrorLog();
        builder.Services.AddPlatformApi(settings);
        // Longer than the drain: the worker keeps its own time.
        builder.Services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = settings.Drain + TimeSpan.FromSeconds(20);
            host.ServicesStopConcurrently = false;
        });
        builder.Services.AddPlatform(settings, configuration);
        if (settings.Role != ProcessRole.Web) builder.Services.AddAlerts(settings).AddEngineWorker(settings);
        builder.Services.AddEnginePages(settings);
        var app = builder.Build();
        app.UsePlatformApi();
        app.MapPlatformApi();
        app.MapEnginePages(settings);
        return app;
    }

    // Migrating, seeding and anchoring the clock take milliseconds when there is nothing to do; schedules are compared
    // in the background.
    private static async Task PrepareAsync(IServiceProvider services, PlatformSettings settings, CancellationToken cancellation)
    {
        var log = services.GetRequiredService<ILoggerFactory>().CreateLogger("JobPlatform.Start");
        await using (var owner = new PlatformDatabase(settings.OwnerConnection))
        {
            var applied = await Migrator.MigrateAsync(owner.Source, cancellation);
            foreach (var migration in applied) LogMigrated(log, migration);
            // New tables and functions are of use to the roles only with their grants.
            if (applied.Count > 0 && await Roles.EnsureAsync(owner.Source, cancellation) is { } missing) LogRolesMissing(log, missing);
            await EngineChoice.PrepareAsync(settings, owner.Source, cancellation);
        }
        await services.GetRequiredService<DatabaseClock>().AnchorAsync(services.GetRequiredService<PlatformDatabase>().Source, cancellation);
        var seeded = await services.GetRequiredService<JobSeeder>().SeedAsync(cancellation);
        foreach (var job in seeded.Created) LogSeeded(log, job);
        await services.GetRequiredService<EventTypes>().PublishAsync(services.GetRequiredService<PlatformDatabase>(), cancellation);
    }

    private static async Task<int> RefuseAsync(string title, IReadOnlyList<string> faults)
    {
        await Console.Error.WriteLineAsync(title);
        foreach (var fault in faults) await Console.Error.WriteLineAsync($"  {fault}");
        return 5;
    }

    [LoggerMessage(4001, LogLevel.Information, "Migration {Migration} applied")]
    private static partial void LogMigrated(ILogger logger, string migration);

    [LoggerMessage(4002, LogLevel.Information, "Job {Job} seeded")]
    private static partial void LogSeeded(ILogger logger, string job);

    [LoggerMessage(4003, LogLevel.Warning, "{Missing}")]
    private static partial void LogRolesMissing(ILogger logger, string missing);
}
