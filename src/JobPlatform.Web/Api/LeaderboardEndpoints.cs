using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Leaderboards;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Npgsql;

namespace JobPlatform.Web.Api;

/// <summary>
/// <c>/api/{org}/leaderboard/…</c>: what was computed last, at once, and the runs that bring it up to date. A client of
/// one organisation cannot tell another one from none.
/// </summary>
internal static class LeaderboardEndpoints
{
    public static void MapLeaderboards(this IEndpointRouteBuilder api)
    {
        // Looking at it brings it up to date: no change that a viewer could make.
        api.MapGet("/{org}/leaderboard/score", ScoreAsync).RequireAccess(Access.Read, ClientScopes.Leaderboard)
            .Describe(new("leaderboards", "Read an organisation's leaderboards as they were computed last; 202 where a run brings them up to date.")
            {
                Answer = typeof(ScoreAnswer), Problems = ["404 organisation-not-found", "409 no-leaderboards"],
            })
            .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status202Accepted, typeof(ScoreAnswer), ["application/json"]));
        api.MapPost("/{org}/leaderboard/recompute", RecomputeAsync).RequireAccess(Access.Write, ClientScopes.Leaderboard)
            .Describe(new("leaderboards", "Throw away what was computed for an organisation, and compute it anew; not in production.")
            {
                Status = 202, Answer = typeof(Accepted),
                Problems = ["403 not-in-production", "404 organisation-not-found", "409 no-leaderboards", .. HandlerRuns.Problems],
            });
    }

    private static Task<IResult> ScoreAsync(string org, HttpContext context, LeaderboardReader reader, HandlerRuns runs, RunAnswers answers, CancellationToken cancellation) =>
        WithTablesAsync(async () =>
        {
            if (!IsOpenTo(context, org) || await reader.FindAsync(org, cancellation) is not { } found) return NotFound(org);
            var left = found.StaleSince is null ? await reader.FindUnscoredAsync(found.OrganisationId, cancellation) : [];
            var run = found.StaleSince is null && left.Count == 0 ? null
                : await BringUpToDateAsync(context, found, left, runs, cancellation);
            var answer = new ScoreAnswer(org, found.StaleSince is not null, found.StaleSince, found.Boards, left, run);
            if (run is null) return ApiJson.Answer(answer);
            context.Response.Headers.Location = answers.AddressOf(context.Request, run.Value);
            return ApiJson.Answer(answer, StatusCodes.Status202Accepted);
        });

    // Null where the job is missing or disabled: nobody brings it up to date then, and what is there is shown all the same.
    private static async Task<Guid?> BringUpToDateAsync(
        HttpContext context, OrganisationLeaderboards found, IReadOnlyList<string> left, HandlerRuns runs, CancellationToken cancellation)
    {
        var isStale = found.StaleSince is not null;
        var request = new RunRequest
        {
            Trigger = RunTrigger.Api, TriggeredBy = context.ToActor().Name,
            // However many look: one run.
            DedupKey = KeyOf(found.OrganisationId),
            Payload = isStale
                ? JsonSerializer.SerializeToElement(new { organisation_id = found.OrganisationId })
                : JsonSerializer.SerializeToElement(new { organisation_id = found.OrganisationId, entity_types = left }),
        };
        return await runs.EnqueueAsync(isStale ? "refresh-leaderboard" : "score-leaderboard-entities", request, cancellation) switch
        {
            RunAnswer.Enqueued enqueued => enqueued.RunId,
            RunAnswer.Existing existing => existing.RunId,
            _ => null,
        };
    }

    private static Task<IResult> RecomputeAsync(string org, HttpContext context, PlatformSettings settings, LeaderboardReader reader,
        HandlerRuns runs, RunAnswers answers, CancellationToken cancellation) =>
        WithTablesAsync(async () =>
        {
            if (!IsOpenTo(context, org) || await reader.FindOrganisationAsync(org, cancellation) is not { } id) return NotFound(org);
            return settings.IsDevelopment ? await EnqueueRecomputeAsync(context, id, reingest: true, runs, answers, cancellation) : NotInProduction;
        });

    /// <summary>Enqueues the run that throws an organisation's leaderboards away.</summary>
    /// <param name="context">The request.</param>
    /// <param name="organisationId">The organisation.</param>
    /// <param name="reingest">Whether its signals go, too, and are read anew.</param>
    /// <param name="runs">Enqueues.</param>
    /// <param name="answers">Says so.</param>
    /// <param name="cancellation">Ends the wait.</param>
    internal static async Task<IResult> EnqueueRecomputeAsync(
        HttpContext context, long organisationId, bool reingest, HandlerRuns runs, RunAnswers answers, CancellationToken cancellation)
    {
        const string handler = "recompute-leaderboard";
        var actor = context.ToActor();
        var request = new RunRequest
        {
            // The handler asks in production whether a person wanted it.
            Trigger = context.FindCaller()!.IsSession ? RunTrigger.Manual : RunTrigger.Api, Actor = actor, TriggeredBy = actor.Name,
            DedupKey = KeyOf(organisationId), Payload = JsonSerializer.SerializeToElement(new { organisation_id = organisationId, reingest }),
        };
        return await runs.EnqueueAsync(handler, request, cancellation) is { } answer
            ? await answers.ToResultAsync(context, answer, cancellation)
            : HandlerRuns.NoJob(handler);
    }

    /// <summary>What a caller is told of an organisation that is not there, or not its own.</summary>
    internal static Problem NotFound(string org) => new(StatusCodes.Status404NotFound, "organisation-not-found", "There is no such organisation.",
        $"There is no organisation '{Shown.Shorten(org)}', or this caller may not see it. Give the slug of your own.");

    /// <summary>Does what needs the application's tables, or says that they are missing.</summary>
    internal static async Task<IResult> WithTablesAsync(Func<Task<IResult>> work)
    {
        try
        {
            return await work();
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return new Problem(StatusCodes.Status409Conflict, "no-leaderboards", "The application has no leaderboards.",
                $"The application's database lacks a table of the leaderboards: {e.MessageText}. Make them as deploy/sample/schema.sql describes them.");
        }
    }

    private static Problem NotInProduction { get; } = new(StatusCodes.Status403Forbidden, "not-in-production", "This is not done in production.",
        "The leaderboard would be gone meanwhile. Let refresh-leaderboard bring it up to date; where that does not help, POST /api/debug/recompute with ENABLE_DEBUG_ROUTES=true.");

    // A client without a company works for all of them.
    private static bool IsOpenTo(HttpContext context, string org) => context.FindCaller()!.Company is not { } company || company == org;

    private static string KeyOf(long organisationId) => $"leaderboard:{organisationId}";

    /// <param name="Organisation">The slug.</param>
    /// <param name="Stale">Whether there are signals that the leaderboards do not show.</param>
    /// <param name="StaleSince">Since when.</param>
    /// <param name="Leaderboards">One for each entity type that has one.</param>
    /// <param name="Remaining">Entity types that have none yet, and are scored now.</param>
    /// <param name="RunId">The run that brings it up to date; null where there is nothing to do, or no enabled job that could.</param>
    private sealed record ScoreAnswer(
        string Organisation, bool Stale, DateTimeOffset? StaleSince, IReadOnlyList<Leaderboard> Leaderboards, IReadOnlyList<string> Remaining, Guid? RunId);
}
