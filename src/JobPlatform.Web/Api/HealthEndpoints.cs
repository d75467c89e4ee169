using System.Text.Json.Serialization;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Web.Api;

/// <summary><c>GET /health/live</c> and <c>/health/ready</c>, for whoever restarts and balances. Anonymous.</summary>
internal static partial class HealthEndpoints
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly string[] EngineWarnings = ["The engine reports a fault; the server's log says which."];
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/health/live", Methods, () => ApiJson.Answer(new Health("live"))).RequireAccess(Access.Anyone)
            .Describe(new("health", "Say whether the process lives.") { Answer = typeof(Health) });
        routes.MapMethods("/health/ready", Methods, ReadyAsync).RequireAccess(Access.Anyone)
            .Describe(new("health", "Say whether the server can serve.") { Answer = typeof(Health), Problems = ["503 not-ready"] });
    }

    private static async Task<IResult> ReadyAsync(
        PlatformDatabase database, IJobEngine engine, TimeProvider clock, ILoggerFactory logs, CancellationToken cancellation)
    {
        var log = logs.CreateLogger(typeof(HealthEndpoints));
        using var timeUp = new CancellationTokenSource(Limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeUp.Token, cancellation);
        try
        {
            // The wait ends with the token even where the driver first waits for the server's word on the cancellation.
            if (await LookAsync(database, engine, either.Token).WaitAsync(either.Token) is not { } fault)
                return ApiJson.Answer(new Health("ready"));
            LogEngineFault(log, fault);
            // Whoever asks is unknown: the sentence itself stays in the log. What is enqueued waits, so that taking every
            // web server out of the balancer would only lose it.
            return ApiJson.Answer(new Health("ready") { Warnings = EngineWarnings });
        }
        catch (MigrationException e)
        {
            LogNotMigrated(log, e.Message);
            return NotReady("The database's schema is not this build's; the server's log says more.");
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException || timeUp.IsCancellationRequested)
        {
            LogNotReady(log, e);
            return NotReady("The database does not answer.");
        }
    }

    private static async Task<string?> LookAsync(PlatformDatabase database, IJobEngine engine, CancellationToken cancellation)
    {
        if (await Migrator.FindPendingAsync(database.Source, cancellation) is [var first, ..])
            throw new MigrationException($"Migration {first.Name} is not applied. Run 'jobplatform migrate'.");
        return await engine.FindFaultAsync(cancellation);
    }

    private sealed record Health(string Status)
    {
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public IReadOnlyList<string>? Warnings { get; init; }
    }

    private static Problem NotReady(string detail) =>
        new(StatusCodes.Status503ServiceUnavailable, "not-ready", "The server is not ready.", detail) { RetryAfter = Limit };

    [LoggerMessage(3011, LogLevel.Warning, "Ready, but the engine reports: {Fault}")]
    private static partial void LogEngineFault(ILogger log, string fault);

    [LoggerMessage(3012, LogLevel.Warning, "Not ready: the database does not answer")]
    private static partial void LogNotReady(ILogger log, Exception exception);

    [LoggerMessage(3013, LogLevel.Warning, "Not ready: {Fault}")]
    private static partial void LogNotMigrated(ILogger log, string fault);
}
