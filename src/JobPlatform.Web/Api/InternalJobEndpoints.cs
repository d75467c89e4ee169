using System.Security.Cryptography;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary>
/// <c>/api/internal/jobs/…</c>: for an outside cron caller, which has <c>CRON_SECRET</c> and no other key. Any method
/// that such callers use enqueues a run of the job of that handler.
/// </summary>
internal static class InternalJobEndpoints
{
    private const string Prefix = "Bearer ";
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Post];
    private static readonly string[] Handlers = ["delete-stale-deactivated-accounts", "delete-stale-empty-chats"];

    public static void MapInternalJobs(this IEndpointRouteBuilder api)
    {
        foreach (var handler in Handlers)
            api.MapMethods($"/internal/jobs/{handler}", Methods,
                (HttpContext context, PlatformSettings settings, HandlerRuns runs, RunAnswers answers, CancellationToken cancellation) =>
                    RunAsync(handler, context, settings, runs, answers, cancellation))
                // The secret is no caller's key, and is compared here.
                .RequireAccess(Access.Anyone).Describe(new("internal", $"Run the job of the handler {handler}; with CRON_SECRET as bearer.")
                {
                    Status = 202, Answer = typeof(Accepted), Problems = ["401 unauthorized", .. HandlerRuns.Problems],
                });
    }

    private static async Task<IResult> RunAsync(
        string handler, HttpContext context, PlatformSettings settings, HandlerRuns runs, RunAnswers answers, CancellationToken cancellation)
    {
        if (!IsAllowed(context.Request, settings))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return new Problem(StatusCodes.Status401Unauthorized, "unauthorized", "A key is needed.",
                "Send the header 'Authorization: Bearer SECRET' with the server's CRON_SECRET; a server without that setting answers nobody here.");
        }
        var actor = context.ToActor() with { Name = "outside-cron" };
        return await runs.EnqueueAsync(handler, new() { Trigger = RunTrigger.Api, Actor = actor, TriggeredBy = actor.Name }, cancellation) is { } answer
            ? await answers.ToResultAsync(context, answer, cancellation)
            : HandlerRuns.NoJob(handler);
    }

    private static bool IsAllowed(HttpRequest request, PlatformSettings settings) =>
        request.Headers.Authorization is [{ } header] && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
        && CryptographicOperations.FixedTimeEquals(BearerKeyHandler.Hash(header[Prefix.Length..].Trim()), settings.CronSecretHash.Span);
}
