using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Web.Api;

/// <summary>Makes a <see cref="Problem"/> of exceptions and of refusals that have no body.</summary>
internal static partial class ProblemHandling
{
    public static IApplicationBuilder UseProblems(this IApplicationBuilder app)
    {
        var log = app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ProblemHandling));
        return app
            .UseExceptionHandler(new ExceptionHandlerOptions
            {
                ExceptionHandler = context => OfException(context, log).ExecuteAsync(context),
                // Logged here, once, with the level that fits.
                SuppressDiagnosticsCallback = static _ => true,
            })
            .UseStatusCodePages(page =>
                Problem.OfStatus(page.HttpContext.Request, page.HttpContext.Response.StatusCode).ExecuteAsync(page.HttpContext));
    }

    private static Problem OfException(HttpContext context, ILogger log)
    {
        var exception = context.Features.GetRequiredFeature<IExceptionHandlerFeature>().Error;
        switch (exception)
        {
            case BadHttpRequestException bad:
                return Problem.OfStatus(context.Request, bad.StatusCode);
            case NpgsqlException { IsTransient: true }:
                LogDatabaseDown(log, exception);
                return Problem.DatabaseDown;
            default:
                var traceId = Activity.Current?.Id ?? context.TraceIdentifier;
                LogUnexpected(log, exception, traceId);
                return new(StatusCodes.Status500InternalServerError, "internal-error", "The server made a mistake.",
                    $"It is in the server's log under {traceId}.") { TraceId = traceId };
        }
    }

    [LoggerMessage(3001, LogLevel.Warning, "A request of the API could not be answered: the database does not answer")]
    private static partial void LogDatabaseDown(ILogger log, Exception exception);

    [LoggerMessage(3002, LogLevel.Error, "A request of the API failed; its caller was told the trace id {TraceId}")]
    private static partial void LogUnexpected(ILogger log, Exception exception, string traceId);
}
