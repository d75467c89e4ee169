using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Schedules;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>/api/schedules</c>: what the engine has, and changes of it by hand; and <c>/api/cron/next</c>.</summary>
internal static class ScheduleEndpoints
{
    private static readonly QueryField<string?> Expression = QueryField.Text("expression", "The cron expression.");
    private static readonly QueryField<string?> Zone = QueryField.Text("time_zone", "The IANA zone that it is read in; UTC when not given.");
    private static readonly QueryField<string?> Job = QueryField.Text("job", "The name of the job that it is for: H is chosen by it.");
    private static readonly QueryField<DateTimeOffset?> From = QueryField.Time("from", "Due times after this one; now when not given.");
    private static readonly QueryField<int?> Count = QueryField.Number("count", "How many due times; 10 when not given.", 1, 100);

    public static void MapSchedules(this IEndpointRouteBuilder api)
    {
        api.MapGet("/schedules", ListAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("schedules", "List schedules with what their jobs' runs of the last 24 hours came to.")
        {
            Query = [QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<ScheduleOverview>), Problems = ["422 invalid-request"],
        });
        string[] problems = ["404 job-not-found", "409 not-scheduled"];
        api.MapPost("/schedules/{job}/pause", PauseAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite)
            .Describe(new("schedules", "Pause a schedule until it is resumed or its job changes.") { Status = 204, Problems = problems });
        api.MapPost("/schedules/{job}/resume", ResumeAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite)
            .Describe(new("schedules", "Set a schedule going again.") { Status = 204, Problems = problems });
        api.MapPost("/schedules/{job}/unschedule", UnscheduleAsync).RequireAccess(Access.Destroy, ClientScopes.JobsWrite)
            .Describe(new("schedules", "Take a schedule out until it is resumed or its job changes.") { Status = 204, Problems = problems });
        api.MapPost("/schedules/purge-orphans", PurgeAsync).RequireAccess(Access.Destroy, ClientScopes.JobsWrite)
            .Describe(new("schedules", "Remove the schedules whose jobs are gone.") { Answer = typeof(SchedulePurge) });
        api.MapGet("/cron/next", ShowNext).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("schedules", "Say what a cron expression means and when it is due next.")
        {
            Query = [Expression, Zone, Job, From, Count], Answer = typeof(CronAnswer), Problems = ["422 invalid-request"],
        });
    }

    private static async Task<IResult> ListAsync(HttpRequest request, ScheduleControl schedules, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var after = query.GetCursor(parts => parts is [var name] ? name : null);
        var limit = query.Limit;
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : Page<ScheduleOverview>.Answer((await schedules.ListAsync(after, limit, cancellation)).Schedules, limit, item => QueryReader.ToCursor(item.Schedule.JobName));
    }

    private static async Task<IResult> PauseAsync(string job, HttpContext context, ScheduleControl schedules, CancellationToken cancellation) =>
        JobEndpoints.FindNameFault(job) ?? ToResult(await schedules.PauseAsync(job, context.ToActor(), cancellation));

    private static async Task<IResult> ResumeAsync(string job, HttpContext context, ScheduleControl schedules, CancellationToken cancellation) =>
        JobEndpoints.FindNameFault(job) ?? ToResult(await schedules.ResumeAsync(job, context.ToActor(), cancellation));

    private static async Task<IResult> UnscheduleAsync(string job, HttpContext context, ScheduleControl schedules, CancellationToken cancellation) =>
        JobEndpoints.FindNameFault(job) ?? ToResult(await schedules.UnscheduleAsync(job, context.ToActor(), cancellation));

    private static async Task<IResult> PurgeAsync(HttpContext context, ScheduleControl schedules, CancellationToken cancellation) =>
        ApiJson.Answer(await schedules.PurgeOrphansAsync(context.ToActor(), cancellation));

    private static IResult ShowNext(HttpRequest request, TimeProvider clock)
    {
        var query = new QueryReader(request);
        var (expression, zoneName, from, count) = (query.Get(Expression), query.Get(Zone) ?? "UTC", query.Get(From) ?? clock.GetUtcNow(), query.Get(Count) ?? 10);
        var hashKey = query.Get(Job) ?? "";
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        if (!CronExpression.TryParse(expression, hashKey, out var cron, out var unreadable)) query.Faults.Add(new ConfigFault("expression", unreadable));
        if (!TimeZones.TryFind(zoneName, out var zone, out var unknown)) query.Faults.Add(new ConfigFault("time_zone", unknown));
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : ApiJson.Answer(new CronAnswer(expression!, zone!.Id, cron!.Describe(), [.. cron.Following(from, zone, count).Select(due => due.UtcDateTime)]));
    }

    private static IResult ToResult(ScheduleAnswer answer) => answer switch
    {
        ScheduleAnswer.Done => Results.NoContent(),
        ScheduleAnswer.Unknown { Message: var message } => Problem.JobNotFound(message),
        ScheduleAnswer.NotScheduled { Message: var message } => new Problem(StatusCodes.Status409Conflict, "not-scheduled", "There is no schedule.", message),
        _ => throw new InvalidOperationException($"{answer} is an answer that the API does not know."),
    };

    // UTC times end with Z.
    private sealed record CronAnswer(string Expression, string TimeZone, string Description, IReadOnlyList<DateTime> Next);
}
