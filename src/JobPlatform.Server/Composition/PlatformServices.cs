using System.Reflection;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Stripe;
using JobPlatform.Core.Webhooks;
using JobPlatform.Handlers.AiProviders;
using JobPlatform.Handlers.Billing;
using JobPlatform.Handlers.Blobs;
using JobPlatform.Handlers.Credits;
using JobPlatform.Handlers.Deletions;
using JobPlatform.Handlers.Streams;
using JobPlatform.Mails;

namespace JobPlatform.Server.Composition;

/// <summary>What every verb shares: the database, the jobs, the runs, the handlers, and the engine's port.</summary>
internal static class PlatformServices
{
    /// <summary>The assemblies whose handlers are found.</summary>
    private static readonly Assembly[] HandlerAssemblies = [typeof(Handlers.HandlersAssembly).Assembly];

    public static IServiceCollection AddPlatform(this IServiceCollection services, PlatformSettings settings, IConfiguration configuration)
    {
        services.AddSingleton(settings);
        services.AddSingleton(settings.Smtp);
        services.AddSingleton(settings.LogRetention);
        services.AddSingleton(settings.Mail);
        services.AddSingleton(PlatformSettings.CreateRedactor(configuration));
        services.AddSingleton(new SecretBox(settings.JobsSecretKeys));
        services.AddSingleton<DatabaseClock>();
        services.AddSingleton<TimeProvider>(provider => provider.GetRequiredService<DatabaseClock>());
        services.AddSingleton(new PlatformDatabase(settings.PlatformConnection, $"jobplatform-{settings.Role.ToString().ToLowerInvariant()}@{Environment.MachineName}", settings.Concurrency));
        services.AddSingleton(new AppDatabase(settings.AppConnection, settings.Concurrency));
        services.AddSingleton(new HandlerCatalog(HandlerAssemblies, configuration));
        services.AddSingleton<AuditLog>();
        services.AddSingleton<AdminAccounts>();
        services.AddSingleton<ApiClients>();
        services.AddSingleton<EventTypes>();
        services.AddSingleton<Purger>();
        if (settings.Redis is { } redis) services.AddSingleton(redis).AddSingleton<IStreamState, RedisStreams>();
        else services.AddSingleton<IStreamState, PostgresStreams>();
        services.AddSingleton<BlobCleaner>();
        services.AddSingleton<IBlobStore>(_ => settings.Blobs switch
        {
            BlobLocation.Folder folder => new FolderBlobs(folder.Path),
            BlobLocation.Bucket bucket => new S3Blobs(bucket),
            _ => new MissingBlobs(),
        });
        services.AddMails();
        services.AddBilling(settings);
        services.AddSingleton<JobCatalog>();
        services.AddSingleton<JobSeeder>();
        services.AddSingleton<ScheduleSync>();
        services.AddWebhooks(settings.OutgoingAllowed);
        services.AddOperations();
        services.AddEngine(settings, new EngineOptions
        {
            Concurrency = settings.Concurrency,
            Queues = settings.Queues,
            PollInterval = settings.PollInterval,
            Lease = settings.Lease,
            Drain = settings.Drain,
            Listen = settings.Listen,
            Role = settings.Role.ToString().ToLowerInvariant(),
        });
        return services;
    }

    private static void AddBilling(this IServiceCollection services, PlatformSettings settings)
    {
        services.AddSingleton(settings.Stripe).AddSingleton<StripeClient>().AddSingleton<BillingNotices>();
        services.AddSingleton<AccountErasure>();
        services.AddSingleton(settings.AiProviders).AddSingleton<ProviderProbe>().AddSingleton<ProviderAlerts>();
        services.AddSingleton(new PushSender(settings.Vapid, settings.Mail.DefaultLocale)).AddSingleton<WebPush>();
    }

    /// <summary>Also keeps warnings and errors in <c>error_logs</c>. Before all that may log while it stops.</summary>
    public static IServiceCollection AddErrorLog(this IServiceCollection services)
    {
        services.AddSingleton<ErrorLog>();
        services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<ErrorLog>());
        services.AddHostedService<ErrorLogWriter>();
        return services;
    }
}
