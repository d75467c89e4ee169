using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Webhooks;
using JobPlatform.Web.Admin.Search;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Handlers;

/// <summary><c>/admin/handlers</c>: what the installation can run, the part of it and the webhooks; and a page for each.</summary>
internal static class HandlerRoutes
{
    public const string Address = "/admin/handlers";
    private const int PageSize = 50;
    private const int ShownJobs = 20;

    public static void MapHandlerPages(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/handlers", ListAsync).RequireAccess(Access.Read);
        admin.MapGet("/handlers/{key}", ShowAsync).RequireAccess(Access.Read);
        admin.MapPost("/handlers/{key}/test", TestAsync).RequireAccess(Access.Write);
    }

    /// <summary>The answer to a key that no handler has.</summary>
    public static async Task<IResult> NotFoundAsync(string key, WebhookHandlerStore webhooks, CancellationToken cancellation) =>
        new Problem(StatusCodes.Status404NotFound, "handler-not-found", "There is no such handler.",
            JobDefinition.IsName(key) ? await webhooks.DescribeUnknownAsync(key, cancellation) : $"'{Shown.Shorten(key)}' is no handler's key.");

    private static async Task<IResult> ListAsync(
        HttpRequest request, HandlerCatalog catalog, AppDatabase app, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var after = query.GetCursor(parts => parts is [var key] ? key : null);
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        var page = await webhooks.CheckAsync(after, PageSize + 1, cancellation);
        var (missing, silence) = await app.LookForAsync(catalog.All.SelectMany(handler => handler.Tables), cancellation);
        return AdminPage.Show<HandlersPage>(new
        {
            Handlers = catalog.All,
            Missing = missing,
            Silence = silence,
            Webhooks = page.Take(PageSize).ToList(),
            First = after is null ? null : $"{Address}#webhooks",
            Next = page.Count <= PageSize ? null : $"{ListAddress.Of(Address, null, QueryReader.ToCursor(page[PageSize - 1].Webhook.Key))}#webhooks",
        });
    }

    private static async Task<IResult> ShowAsync(
        string key, HandlerCatalog catalog, AppDatabase app, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(key)) return await NotFoundAsync(key, webhooks, cancellation);
        if (catalog.Find(key) is not { } handler) return await ShowWebhookAsync(key, null, webhooks, cancellation);
        var (missing, silence) = await app.LookForAsync(handler.Tables, cancellation);
        return AdminPage.Show<HandlerPage>(new
        {
            Handler = handler,
            Missing = missing,
            Silence = silence,
            Jobs = await webhooks.ListJobsAsync(key, ShownJobs, cancellation),
        });
    }

    // Not led away from afterwards: what came back stands on the page.
    private static async Task<IResult> TestAsync(string key, HttpContext context, WebhookHandlerStore webhooks, WebhookCaller caller, CancellationToken cancellation) =>
        JobDefinition.IsName(key) && await caller.TestAsync(key, context.ToActor(), cancellation) is { } result
            ? await ShowWebhookAsync(key, result, webhooks, cancellation)
            : await NotFoundAsync(key, webhooks, cancellation);

    private static async Task<IResult> ShowWebhookAsync(string key, WebhookResult? result, WebhookHandlerStore webhooks, CancellationToken cancellation) =>
        await webhooks.FindAsync(key, cancellation) is { } webhook
            ? AdminPage.Show<WebhookPage>(new { Webhook = webhook, Jobs = await webhooks.ListJobsAsync(key, ShownJobs, cancellation), Result = result })
            : await NotFoundAsync(key, webhooks, cancellation);
}
