using System.Text.Encodings.Web;
using Hangfire;
using Hangfire.Dashboard;
using Hangfire.Storage;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Hangfire.Dashboard;

/// <summary>Hangfire's dashboard at <c>/hangfire</c>, behind the platform's own authorization.</summary>
public static class HangfireDashboard
{
    /// <summary>Where it is.</summary>
    public const string Path = "/hangfire";

    /// <summary>The ASP.NET policy of who may look.</summary>
    public const string ViewPolicy = "hangfire.view";

    /// <summary>The ASP.NET policy of who may also delete, requeue and trigger.</summary>
    public const string ChangePolicy = "hangfire.change";

    // Hangfire keeps menu and renderers for the whole process.
    private static readonly Lazy<bool> Extended = new(Extend);

    /// <summary>
    /// Adds what the dashboard needs, after <see cref="EngineRegistration.AddHangfireEngine"/>. The host defines both
    /// policies; without them the dashboard serves nobody.
    /// </summary>
    public static IServiceCollection AddHangfireDashboard(this IServiceCollection services)
    {
        services.AddAntiforgery();
        // What its middleware asks for. Hangfire's own registration would also set what belongs to the whole process.
        services.AddSingleton<IGlobalConfiguration>(GlobalConfiguration.Configuration);
        services.AddSingleton(DashboardRoutes.Routes);
        services.AddSingleton<ITimeZoneResolver, ZoneResolver>();
        services.AddSingleton<JobStorage>(provider => provider.GetRequiredService<HangfireParts>().Storage);
        services.AddSingleton<IBackgroundJobClient>(provider => provider.GetRequiredService<HangfireParts>().Client);
        services.AddSingleton<IRecurringJobManager>(provider => provider.GetRequiredService<HangfireParts>().RecurringJobs);
        return services;
    }

    /// <summary>Maps it.</summary>
    public static IEndpointConventionBuilder MapHangfireDashboard(this IEndpointRouteBuilder routes)
    {
        _ = Extended.Value;
        return routes.MapHangfireDashboardWithAuthorizationPolicy(ViewPolicy, Path, new DashboardOptions
        {
            DashboardTitle = "JobPlatform",
            // "Back to site".
            AppPath = "/admin",
            DisplayStorageConnectionString = false,
            IsReadOnlyFunc = context => !MayChange(context.GetHttpContext()),
        });
    }

    private static bool Extend()
    {
        NavigationMenu.Items.Add(static _ => new MenuItem("Platform jobs", "/admin/jobs"));
        NavigationMenu.Items.Add(static _ => new MenuItem("Runs", "/admin/runs"));
        GlobalConfiguration.Configuration.UseJobDetailsRenderer(0, LinkToRun);
        return true;
    }

    private static NonEscapedString LinkToRun(JobDetailsRendererDto details)
    {
        if (details.JobDetails.Job?.Type != typeof(PlatformRun)) return new NonEscapedString("");
        using var connection = details.Page.Storage.GetConnection();
        var job = new BackgroundJob(details.JobId, details.JobDetails.Job, details.JobDetails.CreatedAt ?? default);
        return CarriedRun.Find(job, connection) is { } run
            ? new NonEscapedString($"<p>Run <a href=\"/admin/runs/{run}\">{run}</a> of {HtmlEncoder.Default.Encode($"{job.Job.Args[0]}")}</p>")
            : new NonEscapedString("");
    }

    private static bool MayChange(HttpContext http) =>
        // Hangfire asks synchronously; the platform's policies answer without waiting.
        http.RequestServices.GetRequiredService<IAuthorizationService>()
            .AuthorizeAsync(http.User, http, ChangePolicy).GetAwaiter().GetResult().Succeeded;
}
