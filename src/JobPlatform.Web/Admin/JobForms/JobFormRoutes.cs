using System.Text.Json;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Webhooks;
using JobPlatform.Web.Admin.Jobs;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.JobForms;

/// <summary>
/// <c>/admin/new-job</c> and <c>/admin/jobs/{name}/edit</c>: a definition is typed, checked and stored. <c>/admin/job-draft</c>
/// checks and gives the same page back, which a script asks for while somebody types.
/// </summary>
internal static class JobFormRoutes
{
    private const int MostWebhooks = 200;

    public static void MapJobForms(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/new-job", ShowNewAsync).RequireAccess(Access.Read);
        admin.MapPost("/new-job", CreateAsync).RequireAccess(Access.Write);
        admin.MapGet("/jobs/{name}/edit", ShowEditAsync).RequireAccess(Access.Read);
        admin.MapPost("/jobs/{name}/edit", UpdateAsync).RequireAccess(Access.Write);
        admin.MapPost("/job-draft", CheckAsync).RequireAccess(Access.Read);
    }

    private static async Task<IResult> ShowNewAsync(
        HttpContext context, string? handler, JobStore jobs, HandlerCatalog catalog, WebhookHandlerStore webhooks, JobFormPages pages, CancellationToken cancellation)
    {
        if (!context.MayChange()) return Refusals.ViewersOnlyLook;
        if (handler is null || !JobDefinition.IsName(handler))
            return AdminPage.Show<HandlerPicker>(new { Handlers = catalog.All, Webhooks = await webhooks.ListAsync(null, MostWebhooks, cancellation) });
        var descriptor = catalog.Find(handler);
        var isFree = await jobs.FindAsync(handler, cancellation) is null;
        var job = new JobDefinition
        {
            Name = isFree ? handler : "", Handler = handler, Description = descriptor?.Description ?? "", CronExpression = descriptor?.Cron,
            TimeoutSeconds = descriptor?.TimeoutSeconds ?? 300, Overlap = descriptor is { Cron: null } or { EventPayload: not null } ? OverlapPolicy.Queue : OverlapPolicy.Skip,
        };
        if (descriptor is not null) job = job with { MaxAttempts = descriptor.MaxAttempts, RetryDelays = descriptor.RetryDelays, MaxConcurrency = descriptor.MaxConcurrency };
        return await pages.ShowAsync(JobForm.Of(job, descriptor), null, null, [], cancellation);
    }

    private static async Task<IResult> CreateAsync(HttpContext context, HandlerCatalog catalog, JobEditor editor, JobFormPages pages, CancellationToken cancellation)
    {
        var posted = await context.Request.ReadFormAsync(cancellation);
        var form = JobForm.Of(posted, catalog.Find(posted["handler"].ToString()));
        var (draft, faults) = form.ToDraft();
        if (faults.Count > 0) return await pages.ShowAsync(form, null, null, faults, cancellation);
        return await AnswerAsync(context, await editor.CreateAsync(draft, context.ToActor(), cancellation), form, null, null, pages, cancellation);
    }

    private static async Task<IResult> ShowEditAsync(
        string name, string? handler, HttpContext context, JobStore jobs, HandlerCatalog catalog, JobFormPages pages, CancellationToken cancellation)
    {
        if (!context.MayChange()) return Refusals.ViewersOnlyLook;
        if (!JobDefinition.IsName(name) || await jobs.FindAsync(name, cancellation) is not { } job) return await JobRoutes.NotFoundAsync(name, jobs, cancellation);
        return await pages.ShowAsync(JobForm.Of(handler is null ? job : job with { Handler = handler }, catalog.Find(handler ?? job.Handler)), job.Name, job.Version, [], cancellation);
    }

    private static async Task<IResult> UpdateAsync(
        string name, HttpContext context, JobStore jobs, HandlerCatalog catalog, JobEditor editor, JobFormPages pages, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(name)) return await JobRoutes.NotFoundAsync(name, jobs, cancellation);
        var posted = await context.Request.ReadFormAsync(cancellation);
        var form = JobForm.Of(posted, catalog.Find(posted["handler"].ToString()));
        var version = AdminPage.ReadVersion(posted);
        var (draft, faults) = form.ToDraft();
        if (faults.Count > 0) return await pages.ShowAsync(form, name, version, faults, cancellation);
        return await AnswerAsync(context, await editor.UpdateAsync(name, version, draft, context.ToActor(), cancellation), form, name, version, pages, cancellation);
    }

    private static async Task<IResult> CheckAsync(HttpContext context, HandlerCatalog catalog, JobFormPages pages, CancellationToken cancellation)
    {
        if (!context.MayChange()) return Refusals.ViewersOnlyLook;
        if (!context.Request.HasFormContentType) return Problem.OfStatus(context.Request, StatusCodes.Status415UnsupportedMediaType);
        var posted = await context.Request.ReadFormAsync(cancellation);
        var form = JobForm.Of(posted, catalog.Find(posted["handler"].ToString()));
        if (posted["switch"] == "editor") form.SwitchEditor();
        var name = posted["original"].ToString() is { Length: > 0 } original && JobDefinition.IsName(original) ? original : null;
        return await pages.ShowAsync(form, name, AdminPage.ReadVersion(posted), null, cancellation);
    }

    private static async Task<IResult> AnswerAsync(
        HttpContext context, JobAnswer answer, JobForm form, string? name, int? version, JobFormPages pages, CancellationToken cancellation) => answer switch
    {
        JobAnswer.Done { Job: var job } => Stored(context, job, name is null),
        JobAnswer.Invalid { Faults: var faults } => await pages.ShowAsync(form, name, version, faults, cancellation),
        JobAnswer.TooWide { Bounds: var bounds } => AdminPage.Confirm(context, bounds),
        JobAnswer.Exists { Message: var message } => await pages.ShowAsync(form, name, version, [new("name", message)], cancellation),
        _ => await pages.ShowAsync(form, name, version, [new("", JobAnswerText.Of(answer))], cancellation),
    };

    private static IResult Stored(HttpContext context, Job job, bool isNew)
    {
        Note.Leave(context, isNew ? $"{job.Name} is made." : $"{job.Name} is stored as version {job.Version}.", isFault: false);
        return AdminPage.SeeOther($"/admin/jobs/{job.Name}");
    }
}
