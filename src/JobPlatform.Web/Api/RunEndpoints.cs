using System.Globalization;
using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.OpenApi;

namespace JobPlatform.Web.Api;

/// <summary><c>/api/runs</c>: list, read, follow the log of, cancel and retry single runs.</summary>
internal static class RunEndpoints
{
    private const int LongestWaitSeconds = 60;
    private const int DefaultLines = 100;

    private static readonly QueryField<string?> Job = QueryField.Text("job", "Only of this job.");
    private static readonly QueryField<RunStatus?> Status = QueryField.Word<RunStatus>("status", "Only in this state.");
    private static readonly QueryField<RunTrigger?> Trigger = QueryField.Word<RunTrigger>("trigger", "Only those that exist for this reason.");
    private static readonly QueryField<DateTimeOffset?> From = QueryField.Time("from", "Only those made at this time or later.");
    private static readonly QueryField<DateTimeOffset?> To = QueryField.Time("to", "Only those made before this time.");
    private static readonly QueryField<Guid?> RetryOf = QueryField.Id("retry_of", "Only those that retry this run.");
    /// <summary>Where a reader of the log begins.</summary>
    public static readonly QueryField<long?> After = new("after", "The id of the last line that is known; 0 when not given.",
        new() { Type = JsonSchemaType.Integer, Minimum = "0" }, "the id of a line, a whole number from 0", TryReadLong);
    private static readonly QueryField<int?> Lines = QueryField.Number("limit", "How many lines at most; 100 when not given.", 1, 1000);
    private static readonly QueryField<int?> Wait = new("wait", "Answer as soon as the run has ended, or after so many seconds.",
        new() { Type = JsonSchemaType.String, Pattern = "^[0-9]{1,2}s?$" }, $"a number of seconds from 0 to {LongestWaitSeconds}, such as 30s", TryReadSeconds);

    public static void MapRuns(this IEndpointRouteBuilder api)
    {
        api.MapGet("/runs", ListAsync).RequireAccess(Access.Read, ClientScopes.RunsRead).Describe(new("runs", "List runs, the newest first.")
        {
            Query = [Job, Status, Trigger, From, To, RetryOf, QueryField.Cursor, QueryField.Limit],
            Answer = typeof(Page<RunDetails>), Problems = ["404 job-not-found", "422 invalid-request"],
        });
        api.MapGet("/runs/{id}", FindAsync).RequireAccess(Access.Read, ClientScopes.RunsRead).Describe(new("runs", "Read a run, perhaps when it has ended.")
        {
            Query = [Wait], Answer = typeof(RunDetails), Problems = ["404 run-not-found", "422 invalid-request"],
        });
        api.MapGet("/runs/{id}/attempts", ListAttemptsAsync).RequireAccess(Access.Read, ClientScopes.RunsRead).Describe(new("runs", "List the attempts of a run that did not succeed.")
        {
            Answer = typeof(AttemptList), Problems = ["404 run-not-found"],
        });
        api.MapGet("/runs/{id}/logs", ListLogAsync).RequireAccess(Access.Read, ClientScopes.RunsRead).Describe(new("runs", "List lines of a run's log.")
        {
            Query = [After, Lines], Answer = typeof(LineList), Problems = ["404 run-not-found", "422 invalid-request"],
        });
        api.MapPost("/runs/{id}/cancel", CancelAsync).RequireAccess(Access.Write, ClientScopes.RunsWrite).Describe(new("runs", "Cancel a run that waits; tell the handler of one that runs.")
        {
            Status = 202, Answer = typeof(RunDetails), Problems = ["404 run-not-found", "409 run-ended"],
        });
        api.MapPost("/runs/{id}/retry", RetryAsync).RequireAccess(Access.Write, ClientScopes.RunsWrite).WithMetadata(new StartsRuns()).Describe(new("runs", "Run an ended run again, perhaps with another payload.")
        {
            Body = typeof(RetryBody), IsBodyOptional = true, Status = 202, Answer = typeof(Accepted),
            Problems = [.. RunAnswers.Problems, "404 run-not-found", "409 run-not-ended"],
        });
    }

    /// <summary>The refusal of a filter that names a job which is not there; null when all is well.</summary>
    public static async Task<Problem?> FindFaultAsync(RunFilter filter, JobStore jobs, CancellationToken cancellation)
    {
        if (filter.Job is not { } name) return null;
        if (JobEndpoints.FindNameFault(name) is { } fault) return fault;
        return await jobs.WasThereAsync(name, cancellation) ? null : Problem.JobNotFound(await jobs.DescribeUnknownAsync(name, cancellation));
    }

    private static async Task<IResult> ListAsync(HttpRequest request, RunStore runs, JobStore jobs, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var filter = new RunFilter
        {
            Job = query.Get(Job), Status = query.Get(Status), Trigger = query.Get(Trigger), From = query.Get(From), To = query.Get(To), RetryOf = query.Get(RetryOf),
        };
        var before = query.GetCursor(parts => parts is [var text] && Guid.TryParseExact(text, "D", out var id) ? (Guid?)id : null);
        var limit = query.Limit;
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        return await FindFaultAsync(filter, jobs, cancellation)
            ?? Page<RunDetails>.Answer(await runs.ListAsync(filter, before, limit, cancellation), limit, run => QueryReader.ToCursor(run.Id));
    }

    private static async Task<IResult> FindAsync(
        string id, HttpRequest request, RunStore runs, IHostApplicationLifetime host, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var seconds = query.Get(Wait) ?? 0;
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, host.ApplicationStopping);
        RunDetails? run;
        try
        {
            run = await runs.WaitAsync(key, TimeSpan.FromSeconds(seconds), stop.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The server stops: what is there now is the answer.
            run = await runs.FindAsync(key, cancellation);
        }
        return run is null ? Problem.RunNotFound(id) : ApiJson.Answer(run);
    }

    private static async Task<IResult> ListAttemptsAsync(string id, RunStore runs, CancellationToken cancellation)
    {
        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));
        var attempts = await runs.ListAttemptsAsync(key, cancellation);
        return attempts.Count == 0 && await runs.FindAsync(key, cancellation) is null ? Problem.RunNotFound(id) : ApiJson.Answer(new AttemptList(attempts));
    }

    private static async Task<IResult> ListLogAsync(string id, HttpRequest request, RunStore runs, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var (after, limit) = (query.Get(After) ?? 0, query.Get(Lines) ?? DefaultLines);
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));
        var lines = await runs.ListLogAsync(key, after, limit, cancellation);
        return lines.Count == 0 && await runs.FindAsync(key, cancellation) is null ? Problem.RunNotFound(id) : ApiJson.Answer(new LineList(lines));
    }

    private static async Task<IResult> CancelAsync(string id, HttpContext context, RunStore runs, CancellationToken cancellation)
    {
        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));
        switch (await runs.CancelAsync(key, context.ToActor(), cancellation))
        {
            case CancelAnswer.Unknown:
                return Problem.RunNotFound(id);
            case CancelAnswer.EndedBefore:
                return new Problem(StatusCodes.Status409Conflict, "run-ended", "The run has ended.", $"The run {key} has ended before; there is nothing to cancel.");
            default:
                return await runs.FindAsync(key, cancellation) is { } run ? ApiJson.Answer(run, StatusCodes.Status202Accepted) : Problem.RunNotFound(id);
        }
    }

    private static async Task<IResult> RetryAsync(string id, HttpContext context, RunRetrier retrier, RunAnswers answers, CancellationToken cancellation)
    {
        var (body, json, refusal) = await JsonBody.ReadAsync<RetryBody>(context.Request, "{\"payload\": {\"dry_run\": true}}", isOptional: true, cancellation);
        if (body is null) return refusal!;
        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));
        if (body.Force && !context.MayForce()) return RunJobEndpoint.ForceNeedsScope;
        // An own payload makes it another run than the one that somebody may have been allowed.
        if (body.Payload is not null && context.FindCaller() is { Kind: CallerKind.Client } client && !client.Scopes.Contains(ClientScopes.JobsRun))
            return Refusals.ScopeMissing(ClientScopes.JobsRun, "payload: another one is a run of its own.");
        JsonElement? payload = json.TryGetProperty("payload", out var edited) && edited.ValueKind != JsonValueKind.Null ? edited : null;
        if (payload is { ValueKind: not JsonValueKind.Object })
            return Problem.Invalid(new ConfigFault("payload", $"{Shown.Shorten(edited.GetRawText())} is not an object such as {{\"days_to_keep\": 7}}."));
        return await retrier.RetryAsync(key, payload, body.Force, context.ToActor(), cancellation) switch
        {
            RetryAnswer.Alive { Message: var message } => new Problem(StatusCodes.Status409Conflict, "run-not-ended", "The run has not ended.", message),
            RetryAnswer.Asked { Answer: var answer } => await answers.ToResultAsync(context, answer, cancellation),
            _ => Problem.RunNotFound(id),
        };
    }

    private static bool TryReadLong(string text, out long? value)
    {
        value = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        return value is not null;
    }

    private static bool TryReadSeconds(string text, out int? value)
    {
        value = int.TryParse(text.EndsWith('s') ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        return value <= LongestWaitSeconds;
    }

    private sealed record AttemptList(IReadOnlyList<RunAttempt> Attempts);

    private sealed record LineList(IReadOnlyList<RunLogLine> Lines);

    private sealed record RetryBody
    {
        /// <summary>Takes the place of the ended run's payload.</summary>
        public JsonElement? Payload { get; init; }

        /// <summary>Also when the job is disabled.</summary>
        public bool Force { get; init; }
    }
}
