using JobPlatform.Web.Admin.Assets;
using JobPlatform.Web.Admin.Directories;
using JobPlatform.Web.Admin.Emails;
using JobPlatform.Web.Admin.Handlers;
using JobPlatform.Web.Admin.JobForms;
using JobPlatform.Web.Admin.Jobs;
using JobPlatform.Web.Admin.Logs;
using JobPlatform.Web.Admin.Overview;
using JobPlatform.Web.Admin.Runs;
using JobPlatform.Web.Admin.Schedules;
using JobPlatform.Web.Admin.Settings;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Admin;

/// <summary>
/// The admin pages: rendered whole on the server, with forms for what changes something; scripts only save a click or a
/// reload. Each route says who may call it, as those of the API do.
/// </summary>
internal static class AdminPages
{
    // A job's config is at most 64 KiB, and grows when a form encodes it.
    private const long MostBytes = 256 * 1024;

    public static IServiceCollection AddAdmin(this IServiceCollection services)
    {
        services.AddRazorComponents();
        services.AddSingleton<JobFormPages>().AddSingleton<JobPages>();
        return services;
    }

    public static void MapAdmin(this IEndpointRouteBuilder routes)
    {
        var admin = routes.MapGroup("/admin").WithMetadata(new RequestSizeLimitAttribute(MostBytes));
        // Whatever is posted to a page is a form: the actions read on without asking again.
        admin.AddEndpointFilter(async (call, next) =>
            HttpMethods.IsPost(call.HttpContext.Request.Method)
            && await SignInEndpoints.ReadFormAsync(call.HttpContext.Request, call.HttpContext.RequestAborted) is null
                ? SignInEndpoints.NoForm
                : await next(call));
        admin.MapAssets();
        admin.MapOverview();
        admin.MapJobPages();
        admin.MapJobForms();
        admin.MapRunPages();
        admin.MapBulkRunPages();
        admin.MapSchedulePages();
        admin.MapHandlerPages();
        admin.MapWebhookPages();
        admin.MapDirectoryPages();
        admin.MapEmailPages();
        admin.MapEmailPreviews();
        admin.MapLogPages();
        admin.MapSettingsPages();
    }
}
