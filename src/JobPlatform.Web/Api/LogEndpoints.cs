using System.Globalization;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Alerts;
using JobPlatform.Core.Statistics;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>/api/audit</c> (who did what), <c>/api/logs</c> (the platform's warnings and errors), <c>/api/alerts</c> and <c>/api/statistics</c>.</summary>
internal static class LogEndpoints
{
    /// <summary>The levels that are kept.</summary>
    private enum Level { Warning, Error, Critical }

    private static readonly QueryField<string?> Actor = QueryField.Text("actor", "Only of this actor, such as operator or admin:ada@example.com.");
    private static readonly QueryField<string?> Action = QueryField.Text("action", "Only this action, such as job.updated.");
    private static readonly QueryField<string?> Subject = QueryField.Text("subject", "Only about this subject, such as a job's name.");
    private static readonly QueryField<DateTimeOffset?> From = QueryField.Time("from", "Only at this time or later.");
    private static readonly QueryField<DateTimeOffset?> To = QueryField.Time("to", "Only before this time.");
    private static readonly QueryField<Level?> OfLevel = QueryField.Word<Level>("level", "Only of this level.");
    private static readonly QueryField<string?> Category = QueryField.Text("category", "Only of this part of the platform.");
    private static readonly QueryField<int?> Event = QueryField.Number("event_id", "Only of this kind.", 0, int.MaxValue);

    private static readonly QueryField<bool?> Open = QueryField.Flag("open", "true for those that are not over.");

    public static void MapLogs(this IEndpointRouteBuilder api)
    {
        api.MapGet("/audit", ListAuditAsync).RequireAccess(Access.Read, ClientScopes.AuditRead).Describe(new("logs", "List who did what, the newest first.")
        {
            Query = [Actor, Action, Subject, From, To, QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<AuditRecord>), Problems = ["422 invalid-request"],
        });
        api.MapGet("/logs", ListErrorsAsync).RequireAccess(Access.Read, ClientScopes.AuditRead).Describe(new("logs", "List the platform's own warnings and errors, the newest first.")
        {
            Query = [OfLevel, Category, Event, QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<ErrorRecord>), Problems = ["422 invalid-request"],
        });
        api.MapGet("/alerts", ListAlertsAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("logs", "List alerts, the newest first.")
        {
            Query = [Open, QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<Alert>), Problems = ["422 invalid-request"],
        });
        api.MapGet("/statistics", ShowAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("statistics", "Show the last 24 hours by the hour, and what waits and runs now.")
        {
            Answer = typeof(PlatformFigures),
        });
    }

    private static async Task<IResult> ListAuditAsync(HttpRequest request, LogReader logs, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var filter = new AuditFilter { Actor = query.Get(Actor), Action = query.Get(Action), Subject = query.Get(Subject), From = query.Get(From), To = query.Get(To) };
        var before = query.GetCursor(ReadPlace);
        var limit = query.Limit;
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : Page<AuditRecord>.Answer(await logs.ListAuditAsync(filter, before, limit, cancellation), limit, entry => QueryReader.ToCursor(entry.CreatedAt.UtcTicks, entry.Id));
    }

    /// <summary>The place that a cursor of the audit log holds.</summary>
    public static (DateTimeOffset At, long Id)? ReadPlace(string[] parts) =>
        parts is [var ticks, var id]
        && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at > 0 && at < DateTimeOffset.MaxValue.UtcTicks
        && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var key)
            ? (new DateTimeOffset(at, TimeSpan.Zero), key)
            : null;

    private static async Task<IResult> ListAlertsAsync(HttpRequest request, AlertReader alerts, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var isOpen = query.Get(Open) ?? false;
        var before = query.GetCursor(ReadId);
        var limit = query.Limit;
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : Page<Alert>.Answer(await alerts.ListAsync(isOpen, before, limit, cancellation), limit, alert => QueryReader.ToCursor(alert.Id));
    }

    private static long? ReadId(string[] parts) =>
        parts is [var text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

    private static async Task<IResult> ListErrorsAsync(HttpRequest request, LogReader logs, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var filter = new ErrorFilter { Level = query.Get(OfLevel)?.ToString().ToLowerInvariant(), Category = query.Get(Category), EventId = query.Get(Event) };
        var before = query.GetCursor(ReadId);
        var limit = query.Limit;
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : Page<ErrorRecord>.Answer(await logs.ListErrorsAsync(filter, before, limit, cancellation), limit, entry => QueryReader.ToCursor(entry.Id));
    }

    private static async Task<IResult> ShowAsync(StatisticsReader statistics, CancellationToken cancellation) =>
        ApiJson.Answer(await statistics.ReadAsync(cancellation));
}
