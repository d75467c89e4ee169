using System.Text.Json.Serialization;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Web.Api;

/// <summary>What a probe is told.</summary>
internal sealed record Health(string Status)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Warnings { get; init; }
}

/// <summary>
/// Whether the server can serve. Anybody may ask, so that all who ask within a second share one look at the database.
/// Thread-safe.
/// </summary>
internal sealed partial class Readiness(PlatformDatabase database, IJobEngine engine, PlatformSettings settings, TimeProvider clock, ILogger<Readiness> log)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly string[] EngineWarnings = ["The engine reports a fault; the server's log says which."];

    private readonly Lock _gate = new();
    private (Task<IResult> Answer, long At)? _last;

    /// <summary>The answer, at most a second old.</summary>
    public Task<IResult> AskAsync()
    {
        lock (_gate)
        {
            if (_last is { } last && clock.GetElapsedTime(last.At) < Lifetime) return last.Answer;
            var at = clock.GetTimestamp();
            var answer = AnswerAsync();
            _last = (answer, at);
            return answer;
        }
    }

    private async Task<IResult> AnswerAsync()
    {
        using var timeUp = new CancellationTokenSource(Limit, clock);
        try
        {
            // The wait ends with the token even where the driver first waits for the server's word on the cancellation.
            if (await LookAsync(timeUp.Token).WaitAsync(timeUp.Token) is not { } fault) return ApiJson.Answer(new Health("ready"));
            LogEngineFault(fault);
            // A worker that is not ready is sent nothing less, and a rollout that would replace the working ones waits.
            if (settings.Role == ProcessRole.Worker) return NotReady("The engine reports a fault; the server's log says which.");
            // Whoever asks is unknown: the sentence itself stays in the log. What is enqueued waits, so that taking every
            // web server out of the balancer would only lose it.
            return ApiJson.Answer(new Health("ready") { Warnings = EngineWarnings });
        }
        catch (MigrationException e)
        {
            LogNotMigrated(e.Message);
            return NotReady("The database's schema is not this build's; the server's log says more.");
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException || timeUp.IsCancellationRequested)
        {
            LogNotReady(e);
            return NotReady("The database does not answer.");
        }
    }

    private async Task<string?> LookAsync(CancellationToken cancellation)
    {
        if (await Migrator.FindPendingAsync(database.Source, cancellation) is [var first, ..])
            throw new MigrationException($"Migration {first.Name} is not applied. Run 'jobplatform migrate'.");
        return await engine.FindFaultAsync(cancellation);
    }

    private static Problem NotReady(string detail) =>
        new(StatusCodes.Status503ServiceUnavailable, "not-ready", "The server is not ready.", detail) { RetryAfter = Limit };

    [LoggerMessage(3011, LogLevel.Warning, "The engine reports: {Fault}")]
    private partial void LogEngineFault(string fault);

    [LoggerMessage(3012, LogLevel.Warning, "Not ready: the database does not answer")]
    private partial void LogNotReady(Exception exception);

    [LoggerMessage(3013, LogLevel.Warning, "Not ready: {Fault}")]
    private partial void LogNotMigrated(string fault);
}
