using System.Globalization;
using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Webhooks;
using JobPlatform.Web.Admin.Parts;
using JobPlatform.Web.Admin.Runs;
using JobPlatform.Web.Admin.Search;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Jobs;

/// <summary><c>/admin/jobs</c>: the list, a job's page, its versions, and what is done to jobs by one click.</summary>
internal static class JobRoutes
{
    private const string Address = "/admin/jobs";
    private const int PageSize = 50;
    private const int ShownVersions = 20;

    public static void MapJobPages(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/jobs", ListAsync).RequireAccess(Access.Read);
        admin.MapGet("/jobs/{name}", ShowAsync).RequireAccess(Access.Read);
        admin.MapGet("/jobs/{name}/versions", ListVersionsAsync).RequireAccess(Access.Read);
        admin.MapPost("/jobs/bulk", ChangeManyAsync).RequireAccess(Access.Write);
        admin.MapPost("/jobs/{name}/enable", EnableAsync).RequireAccess(Access.Write);
        admin.MapPost("/jobs/{name}/disable", DisableAsync).RequireAccess(Access.Write);
        // The scope counts it as what it is, a manual run.
        admin.MapPost("/jobs/{name}/run", RunAsync).RequireAccess(Access.Write, ClientScopes.JobsRun);
        admin.MapPost("/jobs/{name}/versions/{number}/restore", RestoreAsync).RequireAccess(Access.Write);
        admin.MapPost("/jobs/{name}/delete", DeleteAsync).RequireAccess(Access.Destroy);
    }

    /// <summary>The answer to a name that no job has.</summary>
    public static async Task<IResult> NotFoundAsync(string name, JobStore jobs, CancellationToken cancellation) =>
        JobEndpoints.FindNameFault(name) ?? Problem.JobNotFound(await jobs.DescribeUnknownAsync(name, cancellation));

    private static async Task<IResult> ListAsync(
        HttpRequest request, JobList jobs, RunHistory history, HandlerCatalog handlers, string? q, CancellationToken cancellation)
    {
        var (filter, faults) = JobSearch.Read(q);
        var query = new QueryReader(request);
        var after = query.GetCursor(parts => JobEndpoints.ReadPlace(filter.Sort, parts));
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        var page = faults.Count > 0 ? [] : await jobs.ReadAsync(filter, after, PageSize + 1, cancellation);
        var shown = page.Take(PageSize).ToList();
        return AdminPage.Show<JobsPage>(new
        {
            Jobs = shown,
            Marks = await history.ReadAsync(shown.ConvertAll(job => job.Name), HistoryStrip.Places, cancellation),
            Search = q,
            Faults = faults,
            Handlers = handlers.All.Select(handler => handler.Key).ToList(),
            First = after is null ? null : ListAddress.Of(Address, q, null),
            Next = page.Count <= PageSize ? null : ListAddress.Of(Address, q, JobEndpoints.WritePlace(filter.Sort, shown[^1])),
        });
    }

    private static Task<IResult> ShowAsync(string name, JobPages pages, CancellationToken cancellation) => pages.ShowAsync(name, null, [], cancellation);

    private static async Task<IResult> ListVersionsAsync(string name, int? before, JobStore jobs, JobEditor editor, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(name) || await jobs.FindAsync(name, cancellation) is not { } job) return await NotFoundAsync(name, jobs, cancellation);
        var versions = await editor.ListVersionsAsync(job.Id, before, ShownVersions + 1, cancellation);
        return AdminPage.Show<VersionsPage>(new { Job = job, Versions = versions, Shown = ShownVersions, IsFirst = before is null });
    }

    private static async Task<IResult> ChangeManyAsync(HttpContext context, JobStore jobs, RunEnqueuer enqueuer, CancellationToken cancellation)
    {
        var form = await context.Request.ReadFormAsync(cancellation);
        var names = form["job"].OfType<string>().Where(JobDefinition.IsName).Distinct().Take(PageSize).ToList();
        var action = form["action"].ToString();
        if (names.Count == 0) return AdminPage.GoBack(context, Address, "No job is selected. Tick the boxes of some, and try again.", isFault: true);
        var (done, failures) = (0, new List<string>());
        foreach (var name in names)
        {
            var failure = action switch
            {
                "run" => RunAnswerText.Read(await RunManuallyAsync(context, enqueuer, name, null, force: false, cancellation)).Fault,
                "enable" or "disable" => await jobs.SetEnabledAsync(name, action == "enable", context.ToActor(), cancellation) is null ? $"There is no job '{name}'." : null,
                _ => $"action: '{Shown.Shorten(action)}' is not one of enable, disable, run.",
            };
            if (failure is null) done++;
            else failures.Add(failure);
        }
        var word = action switch { "run" => "set running", "enable" => "enabled", _ => "disabled" };
        return AdminPage.GoBack(context, Address, $"{Count(done)} {word}. {string.Join(' ', failures.Distinct())}".TrimEnd(), isFault: failures.Count > 0);
    }

    private static Task<IResult> EnableAsync(string name, HttpContext context, JobStore jobs, CancellationToken cancellation) => SwitchAsync(name, true, context, jobs, cancellation);

    private static Task<IResult> DisableAsync(string name, HttpContext context, JobStore jobs, CancellationToken cancellation) => SwitchAsync(name, false, context, jobs, cancellation);

    private static async Task<IResult> SwitchAsync(string name, bool isEnabled, HttpContext context, JobStore jobs, CancellationToken cancellation) =>
        JobDefinition.IsName(name) && await jobs.SetEnabledAsync(name, isEnabled, context.ToActor(), cancellation) is not null
            ? AdminPage.GoBack(context, $"/admin/jobs/{name}", isEnabled ? $"{name} is enabled." : $"{name} is disabled: it runs only when it is forced.")
            : await NotFoundAsync(name, jobs, cancellation);

    private static async Task<IResult> RunAsync(string name, HttpContext context, JobStore jobs, JobPages pages, RunEnqueuer enqueuer, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(name)) return await NotFoundAsync(name, jobs, cancellation);
        var form = await context.Request.ReadFormAsync(cancellation);
        var (payload, unreadable) = PayloadField.Read(form["payload"]);
        if (unreadable is not null) return await pages.ShowAsync(name, form["payload"], [unreadable], cancellation);
        // The button of a dry run says so beside whatever else the payload holds.
        if (form["dry_run"] == "true") payload = JsonSerializer.SerializeToElement(ConfigReader.Merge(payload ?? JsonElement.Parse("{}"), JsonElement.Parse("{\"dry_run\": true}")));
        var answer = await RunManuallyAsync(context, enqueuer, name, payload, form["force"] == "true", cancellation);
        if (answer is RunAnswer.InvalidPayload { Faults: var faults }) return await pages.ShowAsync(name, form["payload"], faults, cancellation);
        if (answer is RunAnswer.TooWide { Bounds: var bounds }) return AdminPage.Confirm(context, bounds);
        var (runId, fault) = RunAnswerText.Read(answer);
        return runId is null ? AdminPage.GoBack(context, $"/admin/jobs/{name}", fault!, isFault: true)
            : form.ContainsKey("return_to") ? AdminPage.GoBack(context, Address, $"{name} runs as soon as a worker is free.")
            : AdminPage.SeeOther($"/admin/runs/{runId}");
    }

    private static Task<RunAnswer> RunManuallyAsync(
        HttpContext context, RunEnqueuer enqueuer, string name, JsonElement? payload, bool force, CancellationToken cancellation)
    {
        var actor = context.ToActor();
        return enqueuer.EnqueueAsync(new() { JobName = name, Trigger = RunTrigger.Manual, Actor = actor, TriggeredBy = actor.Name, Payload = payload, Force = force }, cancellation);
    }

    private static async Task<IResult> RestoreAsync(string name, int number, HttpContext context, JobStore jobs, JobEditor editor, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(name)) return await NotFoundAsync(name, jobs, cancellation);
        var form = await context.Request.ReadFormAsync(cancellation);
        var answer = await editor.RestoreAsync(name, AdminPage.ReadVersion(form), number, context.ToActor(), cancellation);
        var back = $"/admin/jobs/{name}/versions";
        return answer switch
        {
            JobAnswer.Done { Job: var job } => AdminPage.GoBack(context, back, $"Version {number} is in force again, as version {job.Version}."),
            JobAnswer.TooWide { Bounds: var bounds } => AdminPage.Confirm(context, bounds),
            _ => AdminPage.GoBack(context, back, JobAnswerText.Of(answer), isFault: true),
        };
    }

    private static async Task<IResult> DeleteAsync(string name, HttpContext context, JobStore jobs, JobEditor editor, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(name)) return await NotFoundAsync(name, jobs, cancellation);
        var answer = await editor.DeleteAsync(name, null, context.ToActor(), cancellation);
        if (answer is not JobAnswer.Done) return AdminPage.GoBack(context, Address, JobAnswerText.Of(answer), isFault: true);
        Note.Leave(context, $"{name} is deleted. Its runs are still listed.", isFault: false);
        return AdminPage.SeeOther(Address);
    }

    private static string Count(int jobs) => jobs == 1 ? "1 job" : $"{jobs} jobs";
}
