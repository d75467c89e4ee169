using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Server.Composition;

namespace JobPlatform.Server.Cli;

/// <summary>What a verb works with: checked settings and the platform's services, none of them started.</summary>
internal sealed class Session : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private Session(IConfiguration configuration, PlatformSettings settings)
    {
        Configuration = configuration;
        Settings = settings;
        _services = new ServiceCollection()
            .AddSingleton(configuration)
            // Verbs say what matters themselves; what services log belongs to servers.
            .AddLogging()
            .AddPlatform(settings, configuration)
            .BuildServiceProvider();
        Output = new Output(Get<SecretRedactor>(), Get<TimeProvider>());
    }

    /// <summary>Who acts, for the audit log and the versions of jobs.</summary>
    public static Actor Actor => Actor.CommandLine;

    public IConfiguration Configuration { get; }

    public PlatformSettings Settings { get; }

    public Output Output { get; }

    /// <summary>Reads the settings and connects.</summary>
    /// <exception cref="CliException">Settings are faulty; all faults are named.</exception>
    public static async Task<Session> OpenAsync(CancellationToken cancellation)
    {
        var session = Create(PlatformConfiguration.Load(Console.Error));
        try
        {
            await session.AnchorAsync(cancellation);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>As <see cref="OpenAsync"/>, without a connection.</summary>
    public static Session Create(IConfiguration configuration)
    {
        var settings = PlatformSettings.Read(configuration, EngineChoice.BuiltIn);
        return settings.Faults.Count == 0
            ? CreateUnchecked(configuration, settings)
            : throw new CliException(ExitCode.Unavailable, string.Join('\n', settings.Faults));
    }

    /// <summary>For <c>check</c>, which goes on as far as it can.</summary>
    public static Session CreateUnchecked(IConfiguration configuration, PlatformSettings settings) => new(configuration, settings);

    /// <summary>Takes the database's clock: what this machine's says would decide when a run is due.</summary>
    public Task AnchorAsync(CancellationToken cancellation) =>
        Get<DatabaseClock>().AnchorAsync(Get<PlatformDatabase>().Source, cancellation);

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    /// <summary>
    /// Enqueues, and turns refusals into what a person can do.
    /// </summary>
    /// <exception cref="CliException">The request was refused.</exception>
    public async Task<(Guid RunId, bool IsNew)> EnqueueAsync(RunRequest request, CancellationToken cancellation)
    {
        switch (await Get<RunEnqueuer>().EnqueueAsync(request, cancellation))
        {
            case RunAnswer.Enqueued enqueued: return (enqueued.RunId, true);
            case RunAnswer.Existing existing: return (existing.RunId, false);
            case RunAnswer.UnknownJob unknown: throw CliException.Refused(unknown.Message);
            case RunAnswer.Disabled disabled:
                throw CliException.Refused($"{disabled.Message} ('jobplatform jobs enable {request.JobName}', or --force)");
            case RunAnswer.InvalidPayload invalid:
                throw CliException.Refused(string.Join('\n', invalid.Faults.Select(fault => $"--payload: {fault}")));
            case RunAnswer.KeyReused reused: throw CliException.Refused(reused.Message);
            case var other: throw new InvalidOperationException($"The answer {other.GetType().Name} is not known to the command line.");
        }
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
