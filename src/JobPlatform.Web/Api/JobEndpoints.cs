using System.Globalization;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>/api/jobs</c>: list, make, read, change, delete, switch and check definitions.</summary>
internal static class JobEndpoints
{
    private const string Example = "{\"name\": \"weekly-cleanup\", \"handler\": \"cleanup-sessions\", \"cron_expression\": \"30 3 * * SUN\"}";

    private static readonly QueryField<string?> Search = QueryField.Text("search", "A part of the name or the description.");
    private static readonly QueryField<bool?> Enabled = QueryField.Flag("enabled", "Only enabled or only disabled ones.");
    private static readonly QueryField<string?> Handler = QueryField.Text("handler", "Only those of this handler.");
    private static readonly QueryField<RunStatus?> Status = QueryField.Word<RunStatus>("status", "Only those whose last run ended so.");
    private static readonly QueryField<JobSort?> Sort = QueryField.Word<JobSort>("sort", "The order; by name when not given.");

    public static void MapJobs(this IEndpointRouteBuilder api)
    {
        api.MapGet("/jobs", ListAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("jobs", "List jobs.")
        {
            Query = [Search, Enabled, Handler, Status, Sort, QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<JobOverview>), Problems = ["422 invalid-request"],
        });
        api.MapPost("/jobs", CreateAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("jobs", "Make a job.")
        {
            Body = typeof(JobDefinition), Status = 201, Answer = typeof(Job), Problems = ["403 recent-auth-required", "409 job-exists", "422 invalid-request"],
        });
        api.MapPost("/jobs/preview", PreviewAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("jobs", "Check a definition, and say when it would be due.")
        {
            Body = typeof(JobDefinition), Answer = typeof(JobPreview), Problems = ["422 invalid-request"],
        });
        api.MapGet("/jobs/{name}", FindAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("jobs", "Read a job.")
        {
            Answer = typeof(Job), Problems = ["404 job-not-found"],
        });
        api.MapPatch("/jobs/{name}", UpdateAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("jobs", "Change fields of a job; config is replaced as a whole.")
        {
            Body = typeof(JobDefinition), NeedsIfMatch = true, Answer = typeof(Job), Problems = ["403 recent-auth-required", "404 job-not-found", "409 job-exists", "422 invalid-request"],
        });
        api.MapDelete("/jobs/{name}", DeleteAsync).RequireAccess(Access.Destroy, ClientScopes.JobsWrite).Describe(new("jobs", "Delete a job; its history stays.")
        {
            NeedsIfMatch = true, Status = 204, Problems = ["404 job-not-found"],
        });
        api.MapPost("/jobs/{name}/enable", EnableAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("jobs", "Enable a job.")
        {
            Answer = typeof(Job), Problems = ["404 job-not-found"],
        });
        api.MapPost("/jobs/{name}/disable", DisableAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("jobs", "Disable a job.")
        {
            Answer = typeof(Job), Problems = ["404 job-not-found"],
        });
        api.MapGet("/jobs/{name}/versions", ListVersionsAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("jobs", "List the versions of a job, the newest first.")
        {
            Query = [QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<JobVersion>), Problems = ["404 job-not-found", "422 invalid-request"],
        });
        api.MapPost("/jobs/{name}/versions/{number}/restore", RestoreAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("jobs", "Bring back a version of a job, as a new version.")
        {
            NeedsIfMatch = true, Answer = typeof(Job), Problems = ["403 recent-auth-required", "404 job-not-found", "404 version-not-found", "422 invalid-request"],
        });
    }

    /// <summary>The refusal of a text that no job's name can be, and that need not go to the database.</summary>
    public static Problem? FindNameFault(string name) => JobDefinition.IsName(name) ? null
        : Problem.JobNotFound($"'{Shown.Shorten(name)}' is no job's name: up to 100 lower-case letters, digits, dots, dashes and underscores.");

    private static async Task<IResult> ListAsync(HttpRequest request, JobList jobs, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var filter = new JobFilter
        {
            Search = query.Get(Search), IsEnabled = query.Get(Enabled), Handler = query.Get(Handler), LastStatus = query.Get(Status), Sort = query.Get(Sort) ?? JobSort.Name,
        };
        var after = query.GetCursor(parts => ReadPlace(filter.Sort, parts));
        var limit = query.Limit;
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : Page<JobOverview>.Answer(await jobs.ReadAsync(filter, after, limit, cancellation), limit, job => WritePlace(filter.Sort, job));
    }

    /// <summary>The cursor of the page after a job.</summary>
    public static string WritePlace(JobSort sort, JobOverview job) =>
        JobPlace.After(sort, job) is { } place ? QueryReader.ToCursor(sort, place.Name, place.At?.UtcTicks) : "";

    // A place in one order is none in another.
    public static JobPlace? ReadPlace(JobSort sort, string[] parts)
    {
        if (parts is not [var order, var name, var at] || order != sort.ToString()) return null;
        if (at.Length == 0) return new(name, null);
        return long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && ticks <= DateTimeOffset.MaxValue.UtcTicks
            ? new(name, new DateTimeOffset(ticks, TimeSpan.Zero))
            : null;
    }

    private static async Task<IResult> CreateAsync(HttpContext context, JobEditor editor, CancellationToken cancellation)
    {
        var (body, refusal) = await JsonBody.ReadAsync(context.Request, Example, cancellation: cancellation);
        if (refusal is not null) return refusal;
        var answer = await editor.CreateAsync(body, context.ToActor(), cancellation);
        if (answer is not JobAnswer.Done { Job: var job }) return ToResult(context, answer);
        context.Response.Headers.Location = $"{context.Request.PathBase}/api/jobs/{job.Name}";
        return context.WithVersion(job.Version, ApiJson.Answer(job, StatusCodes.Status201Created));
    }

    private static async Task<IResult> PreviewAsync(HttpRequest request, JobDrafts drafts, CancellationToken cancellation)
    {
        var (body, refusal) = await JsonBody.ReadAsync(request, Example, cancellation: cancellation);
        return refusal ?? ApiJson.Answer(await drafts.PreviewAsync(body, cancellation));
    }

    private static async Task<IResult> FindAsync(string name, HttpContext context, JobStore jobs, CancellationToken cancellation)
    {
        if (FindNameFault(name) is { } fault) return fault;
        if (await jobs.FindAsync(name, cancellation) is not { } job) return Problem.JobNotFound(await jobs.DescribeUnknownAsync(name, cancellation));
        return context.WithVersion(job.Version, context.Request.HasVersion(job.Version) ? Results.StatusCode(StatusCodes.Status304NotModified) : ApiJson.Answer(job));
    }

    private static async Task<IResult> UpdateAsync(string name, HttpContext context, JobEditor editor, CancellationToken cancellation)
    {
        if (FindNameFault(name) is { } fault) return fault;
        var (version, stale) = context.Request.ReadIfMatch();
        if (stale is not null) return stale;
        var (body, refusal) = await JsonBody.ReadAsync(context.Request, "{\"priority\": 1}", cancellation: cancellation);
        return refusal ?? ToResult(context, await editor.UpdateAsync(name, version, body, context.ToActor(), cancellation));
    }

    private static async Task<IResult> DeleteAsync(string name, HttpContext context, JobEditor editor, CancellationToken cancellation)
    {
        if (FindNameFault(name) is { } fault) return fault;
        var (version, stale) = context.Request.ReadIfMatch();
        if (stale is not null) return stale;
        var answer = await editor.DeleteAsync(name, version, context.ToActor(), cancellation);
        return answer is JobAnswer.Done ? Results.NoContent() : ToResult(context, answer);
    }

    private static Task<IResult> EnableAsync(string name, HttpContext context, JobStore jobs, CancellationToken cancellation) =>
        SwitchAsync(name, true, context, jobs, cancellation);

    private static Task<IResult> DisableAsync(string name, HttpContext context, JobStore jobs, CancellationToken cancellation) =>
        SwitchAsync(name, false, context, jobs, cancellation);

    private static async Task<IResult> SwitchAsync(string name, bool isEnabled, HttpContext context, JobStore jobs, CancellationToken cancellation)
    {
        if (FindNameFault(name) is { } fault) return fault;
        return await jobs.SetEnabledAsync(name, isEnabled, context.ToActor(), cancellation) is { } job
            ? context.WithVersion(job.Version, ApiJson.Answer(job))
            : Problem.JobNotFound(await jobs.DescribeUnknownAsync(name, cancellation));
    }

    private static async Task<IResult> ListVersionsAsync(string name, HttpRequest request, JobStore jobs, JobEditor editor, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var before = query.GetCursor(parts => parts is [var text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? (int?)number : null);
        var limit = query.Limit;
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        if (FindNameFault(name) is { } fault) return fault;
        if (await jobs.FindAsync(name, cancellation) is not { } job) return Problem.JobNotFound(await jobs.DescribeUnknownAsync(name, cancellation));
        return Page<JobVersion>.Answer(await editor.ListVersionsAsync(job.Id, before, limit, cancellation), limit, version => QueryReader.ToCursor(version.Version));
    }

    private static async Task<IResult> RestoreAsync(string name, string number, HttpContext context, JobEditor editor, CancellationToken cancellation)
    {
        if (FindNameFault(name) is { } fault) return fault;
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var wanted)) return NoVersion($"'{Shown.Shorten(number)}' is no version's number.");
        var (version, stale) = context.Request.ReadIfMatch();
        return stale ?? ToResult(context, await editor.RestoreAsync(name, version, wanted, context.ToActor(), cancellation));
    }

    private static IResult ToResult(HttpContext context, JobAnswer answer) => answer switch
    {
        JobAnswer.Done { Job: var job } => context.WithVersion(job.Version, ApiJson.Answer(job)),
        JobAnswer.Unknown { Message: var message } => Problem.JobNotFound(message),
        JobAnswer.UnknownVersion { Message: var message } => NoVersion(message),
        JobAnswer.Exists { Message: var message } => new Problem(StatusCodes.Status409Conflict, "job-exists", "There is such a job already.", message),
        JobAnswer.Stale { Message: var message } => Problem.Stale(message),
        JobAnswer.TooWide { Bounds: var bounds } => Refusals.TooWide(context, bounds),
        JobAnswer.Invalid { Faults: var faults } => Problem.Invalid(faults),
        _ => throw new InvalidOperationException($"{answer} is an answer that the API does not know."),
    };

    private static Problem NoVersion(string detail) => new(StatusCodes.Status404NotFound, "version-not-found", "There is no such version.", detail);
}
