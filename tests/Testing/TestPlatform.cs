using System.Reflection;
using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Webhooks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Testing;

/// <summary>
/// A process of the platform inside the test process: the real services on a real database, started and stopped by
/// the test. Several on one database are several nodes.
/// </summary>
public sealed class TestPlatform : IAsyncDisposable
{
    private readonly IHost _host;

    private TestPlatform(IHost host) => _host = host;

    /// <summary>The services.</summary>
    public IServiceProvider Services => _host.Services;

    /// <summary>Enqueues runs.</summary>
    public RunEnqueuer Enqueuer => Services.GetRequiredService<RunEnqueuer>();

    /// <summary>Reads and cancels runs.</summary>
    public RunStore Runs => Services.GetRequiredService<RunStore>();

    /// <summary>The engine's port.</summary>
    public IJobEngine Engine => Services.GetRequiredService<IJobEngine>();

    /// <summary>Builds and starts a node.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="clock">Null for the database's.</param>
    /// <param name="options">The engine's options; null for quick ones.</param>
    /// <param name="runsJobs">False for a node that only submits.</param>
    /// <param name="log">Null for no log.</param>
    /// <param name="handlers">An assembly whose handlers are found beside the test handlers.</param>
    /// <param name="configure">Adds what those handlers need.</param>
    /// <param name="outgoingAllowed">As the setting OUTGOING_ALLOW.</param>
    /// <param name="settings">Settings that gates look at.</param>
    /// <param name="engine">What runs the jobs.</param>
    public static async Task<TestPlatform> StartAsync(string connectionString, TimeProvider? clock = null, EngineOptions? options = null,
        bool runsJobs = true, Action<ILoggingBuilder>? log = null, Assembly? handlers = null, Action<IServiceCollection>? configure = null,
        string outgoingAllowed = "", Dictionary<string, string?>? settings = null, EngineKind engine = EngineKind.Embedded)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        log?.Invoke(builder.Logging);
        var services = builder.Services;
        var database = new PlatformDatabase(connectionString);
        if (clock is null)
        {
            var databaseClock = new DatabaseClock();
            await databaseClock.AnchorAsync(database.Source, CancellationToken.None);
            clock = databaseClock;
        }
        services.AddSingleton(clock);
        services.AddSingleton(database);
        services.AddSingleton(new AppDatabase(connectionString));
        services.AddSingleton(new SecretRedactor(["marked-secret-0123456789abcdef"]));
        Assembly[] assemblies = [typeof(ProbeHandler).Assembly, Assembly.GetEntryAssembly()!, .. handlers is null ? Array.Empty<Assembly>() : [handlers]];
        services.AddSingleton<AuditLog>();
        builder.Configuration.AddInMemoryCollection(settings);
        services.AddSingleton(new HandlerCatalog(assemblies, builder.Configuration));
        services.AddSingleton<Purger>();
        services.AddSingleton<JobStore>();
        services.AddSingleton<JobCatalog>();
        services.AddSingleton<ScheduleSync>();
        services.AddSingleton<ScheduleControl>();
        services.AddSingleton<RunStore>();
        services.AddSingleton<RunEnqueuer>();
        services.AddSingleton(new SecretBox(["sB3-the-key-of-what-tests-seal-away"]));
        services.AddWebhooks(AllowList.Parse(outgoingAllowed).Allowed);
        Engines.Add(services, engine, options ?? new EngineOptions { Lease = TimeSpan.FromSeconds(3), Drain = TimeSpan.FromSeconds(5) }, runsJobs);
        configure?.Invoke(services);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMinutes(1));
        var platform = new TestPlatform(builder.Build());
        await platform._host.StartAsync();
        return platform;
    }

    /// <summary>Enqueues a run that must be accepted.</summary>
    public async Task<Guid> EnqueueAsync(string job, object? payload = null, DateTimeOffset? runAt = null, bool force = false)
    {
        var answer = await Enqueuer.EnqueueAsync(new RunRequest
        {
            JobName = job, Trigger = RunTrigger.Manual, TriggeredBy = "test", RunAt = runAt, Force = force,
            Payload = payload is null ? null : JsonSerializer.SerializeToElement(payload, PlatformJsonOptions),
        });
        return answer is RunAnswer.Enqueued { RunId: var id } ? id : throw new InvalidOperationException($"Not enqueued: {answer}");
    }

    /// <summary>Waits for the end of a run.</summary>
    public async Task<RunDetails> WaitForEndAsync(Guid runId, double seconds = 20)
    {
        var run = await Runs.WaitAsync(runId, TimeSpan.FromSeconds(seconds));
        return run is not null && run.Status.IsEnd() ? run : throw new TimeoutException($"The run is still {run?.Status} after {seconds} s.");
    }

    /// <summary>Stops as SIGTERM does: drains.</summary>
    public Task StopAsync() => _host.StopAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable) await disposable.DisposeAsync();
    }

    private static JsonSerializerOptions PlatformJsonOptions => Core.PlatformJson.Options;
}
