using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Leaderboards;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>/api/debug/…</c>, mapped only with <c>ENABLE_DEBUG_ROUTES=true</c>: what an admin may do in production, too, to find a fault.</summary>
internal static class DebugEndpoints
{
    public static void MapDebug(this IEndpointRouteBuilder api) =>
        api.MapPost("/debug/recompute", RecomputeAsync).RequireAccess(Access.Destroy)
            .Describe(new("debug", "For people only: throw away what was computed for an organisation, and compute it anew; its signals are read anew only when asked.")
            {
                Body = typeof(RecomputeBody), Status = 202, Answer = typeof(Accepted),
                Problems = ["403 session-needed", "404 organisation-not-found", "409 no-leaderboards", .. HandlerRuns.Problems],
            });

    private static async Task<IResult> RecomputeAsync(HttpContext context, LeaderboardReader reader, HandlerRuns runs, RunAnswers answers, CancellationToken cancellation)
    {
        // The operator's key is in scripts; this is for a person who looks.
        if (!context.FindCaller()!.IsSession) return AccessHandler.SessionNeeded;
        var (body, _, refusal) = await JsonBody.ReadAsync<RecomputeBody>(context.Request, """{"organisation": "acme"}""", cancellation: cancellation);
        if (refusal is not null) return refusal;
        return await LeaderboardEndpoints.WithTablesAsync(async () =>
            await reader.FindOrganisationAsync(body!.Organisation!, cancellation) is { } id
                ? await LeaderboardEndpoints.EnqueueRecomputeAsync(context, id, body.Reingest, runs, answers, cancellation)
                : LeaderboardEndpoints.NotFound(body.Organisation!));
    }

    private sealed record RecomputeBody
    {
        [Required]
        public string? Organisation { get; init; }

        public bool Reingest { get; init; }
    }
}
