using JobPlatform.Core.Schedules;
using JobPlatform.Core.Statistics;
using JobPlatform.Web.Admin.Search;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Schedules;

/// <summary><c>/admin/schedules</c>: what the engine has, and what may be done to it by hand.</summary>
internal static class ScheduleRoutes
{
    private const string Address = "/admin/schedules";
    private const int PageSize = 50;

    public static void MapSchedulePages(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/schedules", ListAsync).RequireAccess(Access.Read);
        admin.MapPost("/schedules/{job}/pause", PauseAsync).RequireAccess(Access.Write);
        admin.MapPost("/schedules/{job}/resume", ResumeAsync).RequireAccess(Access.Write);
        admin.MapPost("/schedules/{job}/unschedule", UnscheduleAsync).RequireAccess(Access.Destroy);
        admin.MapPost("/schedules/purge-orphans", PurgeAsync).RequireAccess(Access.Destroy);
    }

    private static async Task<IResult> ListAsync(HttpRequest request, ScheduleControl schedules, StatisticsReader statistics, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var after = query.GetCursor(parts => parts is [var name] ? name : null);
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        var list = await schedules.ListAsync(after, PageSize + 1, cancellation);
        var shown = list.Schedules.Take(PageSize).ToList();
        return AdminPage.Show<SchedulesPage>(new
        {
            List = list with { Schedules = shown },
            Figures = await statistics.ReadAsync(cancellation),
            First = after is null ? null : Address,
            Next = list.Schedules.Count <= PageSize ? null : ListAddress.Of(Address, null, QueryReader.ToCursor(shown[^1].Schedule.JobName)),
        });
    }

    private static async Task<IResult> PauseAsync(string job, HttpContext context, ScheduleControl schedules, CancellationToken cancellation) =>
        JobEndpoints.FindNameFault(job) ?? Answer(context, await schedules.PauseAsync(job, context.ToActor(), cancellation), $"The schedule of {job} is paused until it is resumed or the job changes.");

    private static async Task<IResult> ResumeAsync(string job, HttpContext context, ScheduleControl schedules, CancellationToken cancellation) =>
        JobEndpoints.FindNameFault(job) ?? Answer(context, await schedules.ResumeAsync(job, context.ToActor(), cancellation), $"The schedule of {job} goes on from now.");

    private static async Task<IResult> UnscheduleAsync(string job, HttpContext context, ScheduleControl schedules, CancellationToken cancellation) =>
        JobEndpoints.FindNameFault(job) ?? Answer(context, await schedules.UnscheduleAsync(job, context.ToActor(), cancellation), $"The schedule of {job} is taken out until it is resumed or the job changes.");

    private static async Task<IResult> PurgeAsync(HttpContext context, ScheduleControl schedules, CancellationToken cancellation)
    {
        var purge = await schedules.PurgeOrphansAsync(context.ToActor(), cancellation);
        var failures = purge.Failed.Select(failure => $"{failure.Job}: {failure.Error}");
        return AdminPage.GoBack(context, Address, $"Orphans removed: {purge.Purged.Count}. {string.Join(' ', failures)}".TrimEnd(), isFault: purge.Failed.Count > 0);
    }

    private static IResult Answer(HttpContext context, ScheduleAnswer answer, string done) => answer switch
    {
        ScheduleAnswer.Done => AdminPage.GoBack(context, Address, done),
        ScheduleAnswer.NotScheduled { Message: var message } => AdminPage.GoBack(context, Address, message, isFault: true),
        ScheduleAnswer.Unknown { Message: var message } => Problem.JobNotFound(message),
        _ => throw new InvalidOperationException($"{answer} is an answer that the pages do not know."),
    };
}
