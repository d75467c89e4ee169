using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary>
/// <c>POST /api/runs/cancel</c>, <c>/retry</c> and <c>/delete</c>: many runs by a filter, in two calls. The first says how
/// many and gives out <c>confirm</c>; the second sends it back with the same filter and does it.
/// </summary>
internal static class BulkRunEndpoints
{
    public static void MapBulkRuns(this IEndpointRouteBuilder api)
    {
        var text = new RouteText("runs", "")
        {
            Body = typeof(BulkBody), Answer = typeof(BulkAnswer), Problems = ["404 job-not-found", "409 not-confirmed", "422 invalid-request"],
        };
        api.MapPost("/runs/cancel", CancelAsync).RequireAccess(Access.Write, ClientScopes.RunsWrite)
            .Describe(text with { Summary = "Cancel all runs that fit and have not ended, at most 10,000 a call: count first, then confirm." });
        api.MapPost("/runs/retry", RetryAsync).RequireAccess(Access.Write, ClientScopes.RunsWrite).WithMetadata(new StartsRuns())
            .Describe(text with { Problems = ["403 recent-auth-required", "403 scope-missing", .. text.Problems], Summary = "Retry all runs that fit and failed, were canceled or skipped, at most 1000 a call: count first, then confirm." });
        api.MapPost("/runs/delete", DeleteAsync).RequireAccess(Access.Destroy, ClientScopes.RunsWrite)
            .Describe(text with { Summary = "Delete all runs that fit and have ended, at most 10,000 a call: count first, then confirm." });
    }

    private static Task<IResult> CancelAsync(HttpContext context, BulkRuns bulk, JobStore jobs, CancellationToken cancellation) =>
        AnswerAsync(BulkAction.Cancel, context, bulk, jobs, cancellation);

    private static Task<IResult> RetryAsync(HttpContext context, BulkRuns bulk, JobStore jobs, CancellationToken cancellation) =>
        AnswerAsync(BulkAction.Retry, context, bulk, jobs, cancellation);

    private static Task<IResult> DeleteAsync(HttpContext context, BulkRuns bulk, JobStore jobs, CancellationToken cancellation) =>
        AnswerAsync(BulkAction.Delete, context, bulk, jobs, cancellation);

    private static async Task<IResult> AnswerAsync(BulkAction action, HttpContext context, BulkRuns bulk, JobStore jobs, CancellationToken cancellation)
    {
        var (body, json, refusal) = await JsonBody.ReadAsync<BulkBody>(context.Request, "{\"job\": \"purge-logs\", \"status\": \"failed\"}", cancellation: cancellation);
        if (body is null) return refusal!;
        var faults = new List<ConfigFault>();
        foreach (var field in new[] { "from", "to" })
            if (json.TryGetProperty(field, out var time) && time.ValueKind != System.Text.Json.JsonValueKind.Null && !Times.TryRead(time, out _))
                faults.Add(new(field, $"{Shown.Shorten(time.GetRawText())} is not {Times.Expected}."));
        if (faults.Count > 0) return Problem.Invalid(faults);
        var filter = body.ToFilter();
        if (await RunEndpoints.FindFaultAsync(filter, jobs, cancellation) is { } unknown) return unknown;
        var actor = context.ToActor();
        if (body.Confirm is null) return ApiJson.Answer(new BulkAnswer { Offer = await bulk.OfferAsync(action, filter, actor, cancellation) });
        var (result, notConfirmed) = await bulk.ConfirmAsync(action, filter, body.Confirm, actor, cancellation);
        if (result is { TooWide: { Count: > 0 } bounds }) return Refusals.TooWide(context, bounds);
        return result is null
            ? new Problem(StatusCodes.Status409Conflict, "not-confirmed", "Nothing was done.", notConfirmed!)
            : ApiJson.Answer(new BulkAnswer { Result = result });
    }

    /// <summary>One of the two.</summary>
    private sealed record BulkAnswer
    {
        /// <summary>What would be done, when nothing was confirmed.</summary>
        public BulkOffer? Offer { get; init; }

        /// <summary>What was done.</summary>
        public BulkResult? Result { get; init; }
    }

    private sealed record BulkBody
    {
        public string? Job { get; init; }

        public RunStatus? Status { get; init; }

        public RunTrigger? Trigger { get; init; }

        public DateTimeOffset? From { get; init; }

        public DateTimeOffset? To { get; init; }

        public Guid? RetryOf { get; init; }

        /// <summary>What the first call gave out.</summary>
        public string? Confirm { get; init; }

        public RunFilter ToFilter() => new() { Job = Job, Status = Status, Trigger = Trigger, From = From?.ToUniversalTime(), To = To?.ToUniversalTime(), RetryOf = RetryOf };
    }
}
