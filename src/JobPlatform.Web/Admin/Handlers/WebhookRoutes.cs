using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Webhooks;
using JobPlatform.Web.Admin.Layout;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Handlers;

/// <summary><c>/admin/new-webhook</c>, and what is changed of one. As in the API, a change counts as a deletion does.</summary>
internal static class WebhookRoutes
{
    public static void MapWebhookPages(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/new-webhook", ShowNew).RequireAccess(Access.Read);
        admin.MapPost("/new-webhook", CreateAsync).RequireAccess(Access.Write);
        admin.MapGet("/handlers/{key}/edit", ShowEditAsync).RequireAccess(Access.Read);
        admin.MapPost("/handlers/{key}/edit", UpdateAsync).RequireAccess(Access.Destroy).WithMetadata(new SecretFields("secret", "signing_secret"));
        admin.MapPost("/handlers/{key}/delete", DeleteAsync).RequireAccess(Access.Destroy);
    }

    private static IResult ShowNew(HttpContext context) =>
        context.MayChange() ? Show(WebhookForm.Of(new WebhookDefinition { Key = "", Url = "" }), null, null, []) : Refusals.ViewersOnlyLook;

    private static async Task<IResult> CreateAsync(HttpContext context, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        var form = WebhookForm.Of(await context.Request.ReadFormAsync(cancellation));
        var (webhook, faults) = form.Read(null);
        if (faults.Count > 0) return Show(form, null, null, faults);
        return Answer(context, await webhooks.CreateAsync(webhook, form.Secrets, context.ToActor(), cancellation), form, null, null);
    }

    private static async Task<IResult> ShowEditAsync(string key, HttpContext context, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        if (!context.MayChange()) return Refusals.ViewersOnlyLook;
        if (!JobDefinition.IsName(key) || await webhooks.FindAsync(key, cancellation) is not { } webhook) return await HandlerRoutes.NotFoundAsync(key, webhooks, cancellation);
        // Asked before anything is typed: a secret would have to be typed again after the password.
        return context.FindCaller() is { IsSession: true } caller && !context.HasJustProved(caller)
            ? SignInEndpoints.AskToConfirmFirst(context, $"{HandlerRoutes.Address}/{key}")
            : Show(WebhookForm.Of(webhook), webhook, webhook.Version, []);
    }

    private static async Task<IResult> UpdateAsync(string key, HttpContext context, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(key) || await webhooks.FindAsync(key, cancellation) is not { } stored) return await HandlerRoutes.NotFoundAsync(key, webhooks, cancellation);
        var posted = await context.Request.ReadFormAsync(cancellation);
        var (form, version) = (WebhookForm.Of(posted), AdminPage.ReadVersion(posted) ?? stored.Version);
        if (ConfirmPage.FindLeftOut(posted) is { Count: > 0 } leftOut) return Show(form, stored, version, leftOut);
        var (webhook, faults) = form.Read(key);
        if (faults.Count > 0) return Show(form, stored, version, faults);
        return Answer(context, await webhooks.UpdateAsync(webhook, version, form.Secrets, context.ToActor(), cancellation), form, stored, version);
    }

    private static async Task<IResult> DeleteAsync(string key, HttpContext context, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(key) || await webhooks.FindAsync(key, cancellation) is not { } stored) return await HandlerRoutes.NotFoundAsync(key, webhooks, cancellation);
        var posted = await context.Request.ReadFormAsync(cancellation);
        var answer = await webhooks.DeleteAsync(key, AdminPage.ReadVersion(posted) ?? stored.Version, context.ToActor(), cancellation);
        if (answer is not WebhookAnswer.Done) return AdminPage.GoBack(context, $"{HandlerRoutes.Address}/{key}", Describe(answer), isFault: true);
        Note.Leave(context, $"{key} is deleted with its secrets. Runs of jobs that name it fail and say so.", isFault: false);
        return AdminPage.SeeOther(HandlerRoutes.Address);
    }

    private static IResult Answer(HttpContext context, WebhookAnswer answer, WebhookForm form, Webhook? stored, int? version)
    {
        if (answer is WebhookAnswer.Invalid { Faults: var faults }) return Show(form, stored, version, faults);
        if (answer is not WebhookAnswer.Done { Webhook: var webhook }) return Show(form, stored, version, [new(stored is null ? "key" : "", Describe(answer))]);
        Note.Leave(context, stored is null ? $"{webhook.Key} is made. Call it once to see that it answers." : $"{webhook.Key} is stored as version {webhook.Version}.", isFault: false);
        return AdminPage.SeeOther($"{HandlerRoutes.Address}/{webhook.Key}");
    }

    private static string Describe(WebhookAnswer answer) => answer switch
    {
        WebhookAnswer.Unknown { Message: var message } => message,
        WebhookAnswer.Conflict { Message: var message } => message,
        _ => throw new InvalidOperationException($"{answer} is an answer that the pages do not know."),
    };

    private static IResult Show(WebhookForm form, Webhook? stored, int? version, IReadOnlyList<ConfigFault> faults) =>
        AdminPage.Show<WebhookFormPage>(new { Form = form, Stored = stored, Version = version, Faults = faults }, faults.Count > 0 ? StatusCodes.Status422UnprocessableEntity : StatusCodes.Status200OK);
}
