using JobPlatform.Core.Handlers;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Admin.Parts;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Runs;

/// <summary><c>/admin/runs</c>: the list and a run's page, and what is done to a single run.</summary>
internal static class RunRoutes
{
    private const int PageSize = 50;
    private const int ShownLines = 300;
    private const int ShownRetries = 10;

    public static void MapRunPages(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/runs", ListAsync).RequireAccess(Access.Read);
        admin.MapGet("/runs/{id}", ShowAsync).RequireAccess(Access.Read);
        admin.MapPost("/runs/{id}/cancel", CancelAsync).RequireAccess(Access.Write);
        admin.MapPost("/runs/{id}/retry", RetryAsync).RequireAccess(Access.Write, ClientScopes.JobsRun);
    }

    private static async Task<IResult> ListAsync(HttpRequest request, RunSearch search, JobStore jobs, TimeProvider clock, string? q, CancellationToken cancellation)
    {
        var wanted = RunSearchText.Read(q, clock.GetUtcNow());
        var query = new QueryReader(request);
        var before = query.GetCursor(parts => parts is [var text] && Guid.TryParseExact(text, "D", out var id) ? (Guid?)id : null);
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        var faults = wanted.Faults.ToList();
        if (wanted.Filter.Job is { } job && (!JobDefinition.IsName(job) || !await jobs.WasThereAsync(job, cancellation)))
            faults.Add(JobDefinition.IsName(job) ? await jobs.DescribeUnknownAsync(job, cancellation) : $"job: '{Shown.Shorten(job)}' is no job's name.");
        var page = faults.Count > 0 ? new RunPage([], null, null) : await search.FindAsync(wanted.Filter, wanted.Text, before, PageSize, cancellation);
        return AdminPage.Show<RunsPage>(new
        {
            Page = page,
            Count = faults.Count > 0 || wanted.Text is not null ? null : await search.CountAsync(wanted.Filter, cancellation),
            Search = q,
            Text = wanted.Text,
            Window = wanted.Window,
            Faults = faults,
            IsFirst = before is null,
        });
    }

    private static Task<IResult> ShowAsync(string id, long? before, RunStore runs, JobStore jobs, CancellationToken cancellation) => RenderAsync(id, before, null, [], runs, jobs, cancellation);

    private static async Task<IResult> RenderAsync(string id, long? before, string? typed, IReadOnlyList<ConfigFault> faults, RunStore runs, JobStore jobs, CancellationToken cancellation)
    {
        if (!Guid.TryParse(id, out var key) || await runs.FindAsync(key, cancellation) is not { } run) return Problem.RunNotFound(Shown.Shorten(id));
        var lines = await runs.ListLastLogAsync(key, before, ShownLines + 1, cancellation);
        return AdminPage.Show<RunPageView>(new
        {
            Run = run,
            Job = await jobs.FindAsync(run.Job, cancellation),
            Attempts = await runs.ListAttemptsAsync(key, cancellation),
            Lines = lines.TakeLast(ShownLines).ToList(),
            HasEarlier = lines.Count > ShownLines,
            IsLast = before is null,
            Retries = await runs.ListAsync(new() { RetryOf = key }, null, ShownRetries, cancellation),
            Typed = typed,
            Faults = faults,
        }, faults.Count > 0 ? StatusCodes.Status422UnprocessableEntity : StatusCodes.Status200OK);
    }

    private static async Task<IResult> CancelAsync(string id, HttpContext context, RunStore runs, CancellationToken cancellation)
    {
        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));
        var back = $"/admin/runs/{key}";
        return await runs.CancelAsync(key, context.ToActor(), cancellation) switch
        {
            CancelAnswer.Unknown => Problem.RunNotFound(id),
            CancelAnswer.EndedBefore => AdminPage.GoBack(context, back, "The run has ended before; there was nothing to cancel.", isFault: true),
            CancelAnswer.Canceled => AdminPage.GoBack(context, back, "The run is canceled."),
            _ => AdminPage.GoBack(context, back, "Its handler is told to stop."),
        };
    }

    private static async Task<IResult> RetryAsync(string id, HttpContext context, RunRetrier retrier, RunStore runs, JobStore jobs, CancellationToken cancellation)
    {
        if (!Guid.TryParse(id, out var key)) return Problem.RunNotFound(Shown.Shorten(id));
        var form = await context.Request.ReadFormAsync(cancellation);
        var (payload, unreadable) = PayloadField.Read(form["payload"]);
        if (unreadable is not null) return await RenderAsync(id, null, form["payload"], [unreadable], runs, jobs, cancellation);
        var back = $"/admin/runs/{key}";
        switch (await retrier.RetryAsync(key, payload, form["force"] == "true", context.ToActor(), cancellation))
        {
            case RetryAnswer.Alive { Message: var message }:
                return AdminPage.GoBack(context, back, message, isFault: true);
            case RetryAnswer.Asked { Answer: RunAnswer.InvalidPayload { Faults: var faults } }:
                return await RenderAsync(id, null, form["payload"], faults, runs, jobs, cancellation);
            case RetryAnswer.Asked { Answer: RunAnswer.TooWide { Bounds: var bounds } }:
                return AdminPage.Confirm(context, bounds);
            case RetryAnswer.Asked { Answer: var answer }:
                var (runId, fault) = RunAnswerText.Read(answer);
                if (runId is null) return AdminPage.GoBack(context, back, fault!, isFault: true);
                Note.Leave(context, "This run retries the one that you came from.", isFault: false);
                return AdminPage.SeeOther($"/admin/runs/{runId}");
            default:
                return Problem.RunNotFound(id);
        }
    }
}
