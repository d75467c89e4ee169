using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>POST /api/jobs/run</c> and <c>/api/jobs/{name}/run</c>: commit a run and answer 202 before it starts.</summary>
internal static class RunJobEndpoint
{
    public static void MapRunJob(this IEndpointRouteBuilder api)
    {
        api.MapPost("/jobs/run", RunAsync).RequireAccess(Access.Write, ClientScopes.JobsRun).WithMetadata(new StartsRuns()).Describe(new("jobs", "Run a job, named in the body.")
        {
            Body = typeof(RunBody), Status = 202, Answer = typeof(Accepted), Problems = RunAnswers.Problems,
        });
        api.MapPost("/jobs/{name}/run", RunNamedAsync).RequireAccess(Access.Write, ClientScopes.JobsRun).WithMetadata(new StartsRuns()).Describe(new("jobs", "Run a job.")
        {
            Body = typeof(RunOptions), IsBodyOptional = true, Status = 202, Answer = typeof(Accepted), Problems = RunAnswers.Problems,
        });
    }

    private static Task<IResult> RunAsync(HttpContext context, RunEnqueuer enqueuer, RunAnswers answers, CancellationToken cancellation) =>
        CommitAsync(null, context, enqueuer, answers, cancellation);

    private static Task<IResult> RunNamedAsync(string name, HttpContext context, RunEnqueuer enqueuer, RunAnswers answers, CancellationToken cancellation) =>
        CommitAsync(name, context, enqueuer, answers, cancellation);

    private static async Task<IResult> CommitAsync(
        string? name, HttpContext context, RunEnqueuer enqueuer, RunAnswers answers, CancellationToken cancellation)
    {
        var example = name is null ? "{\"job\": \"purge-logs\"}" : "{\"payload\": {\"dry_run\": true}}";
        var (body, refusal) = await JsonBody.ReadAsync(context.Request, example, isOptional: name is not null, cancellation);
        if (refusal is not null) return refusal;
        var (request, faults) = RunJobBody.Read(body, name, context.Request.Headers["Idempotency-Key"], context.ToActor());
        if (faults.Count > 0) return Problem.Invalid(faults);
        if (name is not null && JobEndpoints.FindNameFault(name) is { } unknown) return unknown;
        var caller = context.FindCaller()!;
        if (caller.IsSession) request = request with { Trigger = RunTrigger.Manual, TriggeredBy = caller.Name };
        if (request.Force && !context.MayForce()) return ForceNeedsScope;
        return await answers.ToResultAsync(context, await enqueuer.EnqueueAsync(request, cancellation), cancellation);
    }

    /// <summary>True for a caller that may run disabled jobs.</summary>
    public static bool MayForce(this HttpContext context) =>
        context.FindCaller() is not { Kind: CallerKind.Client } client || client.Scopes.Contains(ClientScopes.JobsWrite);

    /// <summary>What a caller is told that may not.</summary>
    public static Problem ForceNeedsScope { get; } = Refusals.ScopeMissing(ClientScopes.JobsWrite, "force: it runs a disabled job.");

    // Read field by field; these describe the fields.
    private record RunOptions(JsonElement? Payload, string? DedupKey, DateTimeOffset? RunAt, string? TriggeredBy, bool? Force);

    private sealed record RunBody(string? Job, long? JobId, JsonElement? Payload, string? DedupKey, DateTimeOffset? RunAt, string? TriggeredBy, bool? Force)
        : RunOptions(Payload, DedupKey, RunAt, TriggeredBy, Force);
}
