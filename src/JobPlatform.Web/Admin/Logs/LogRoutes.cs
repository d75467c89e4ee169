using System.Globalization;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Admin.Runs;
using JobPlatform.Web.Admin.Search;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Logs;

/// <summary><c>/admin/audit</c>, who did what, and <c>/admin/logs</c>, the platform's own warnings and errors.</summary>
internal static class LogRoutes
{
    private const string AuditAddress = "/admin/audit";
    private const string LogsAddress = "/admin/logs";
    private const int PageSize = 50;
    private static readonly string[] Levels = ["warning", "error", "critical"];

    /// <summary>The filters of the audit log with values to offer; others may be typed.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> AuditSuggestions { get; } = new Dictionary<string, IReadOnlyList<string>>
    {
        ["action"] =
        [
            "job.created", "job.updated", "job.deleted", "job.enabled", "job.disabled", "job.run", "run.cancel", "run.retry",
            "schedule.paused", "schedule.resumed", "schedule.unscheduled", "webhook.created", "webhook.updated", "webhook.deleted",
        ],
        ["actor"] = ["operator", "admin:ada@example.com"], ["subject"] = ["a-job"], ["since"] = [.. RunSearchText.Spans.Keys],
    };

    /// <summary>The filters of the logs with values to offer.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> LogSuggestions { get; } = new Dictionary<string, IReadOnlyList<string>>
    {
        ["level"] = Levels, ["category"] = ["JobPlatform.Start"], ["event"] = ["1203"],
    };

    public static void MapLogPages(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/audit", ListAuditAsync).RequireAccess(Access.Read);
        admin.MapGet("/logs", ListErrorsAsync).RequireAccess(Access.Read);
    }

    private static async Task<IResult> ListAuditAsync(HttpRequest request, LogReader logs, TimeProvider clock, string? q, CancellationToken cancellation)
    {
        var search = SearchText.Parse(q, [.. AuditSuggestions.Keys]);
        var faults = search.Faults.ToList();
        if (search.Words is not null) faults.Add($"'{Shown.Shorten(search.Words)}' has no filter before it. Say for example subject:{Shown.Shorten(search.Words)}.");
        var filter = new AuditFilter
        {
            Actor = search.Values.GetValueOrDefault("actor"),
            Action = search.Values.GetValueOrDefault("action"),
            Subject = search.Values.GetValueOrDefault("subject"),
            From = search.Values.TryGetValue("since", out var since) ? clock.GetUtcNow() - RunSearchText.Choose("since", since, RunSearchText.Spans, faults) : null,
        };
        var query = new QueryReader(request);
        var before = query.GetCursor(LogEndpoints.ReadPlace);
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        var page = faults.Count > 0 ? [] : await logs.ListAuditAsync(filter, before, PageSize + 1, cancellation);
        return AdminPage.Show<AuditPage>(new
        {
            Entries = page.Take(PageSize).ToList(),
            Search = q,
            Faults = faults,
            First = before is null ? null : ListAddress.Of(AuditAddress, q, null),
            Next = page.Count <= PageSize ? null : ListAddress.Of(AuditAddress, q, QueryReader.ToCursor(page[PageSize - 1].CreatedAt.UtcTicks, page[PageSize - 1].Id)),
        });
    }

    private static async Task<IResult> ListErrorsAsync(HttpRequest request, LogReader logs, PlatformSettings settings, string? q, CancellationToken cancellation)
    {
        var search = SearchText.Parse(q, [.. LogSuggestions.Keys]);
        var faults = search.Faults.ToList();
        if (search.Words is not null) faults.Add($"'{Shown.Shorten(search.Words)}' has no filter before it. Say level:, category: or event:.");
        if (search.Values.TryGetValue("level", out var level) && !Levels.Contains(level)) faults.Add($"level: '{Shown.Shorten(level)}' is not one of {string.Join(", ", Levels)}.");
        int? kind = null;
        if (search.Values.TryGetValue("event", out var text))
        {
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) kind = number;
            else faults.Add($"event: '{Shown.Shorten(text)}' is not an event's number, such as 1203.");
        }
        var query = new QueryReader(request);
        var before = query.GetCursor(parts => parts is [var place] && long.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? (long?)id : null);
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        var filter = new ErrorFilter { Level = level, Category = search.Values.GetValueOrDefault("category"), EventId = kind };
        var page = faults.Count > 0 ? [] : await logs.ListErrorsAsync(filter, before, PageSize + 1, cancellation);
        return AdminPage.Show<LogsPage>(new
        {
            Entries = page.Take(PageSize).ToList(),
            Search = q,
            Faults = faults,
            IsKept = settings.LogsEnabled,
            Retention = settings.LogRetention,
            First = before is null ? null : ListAddress.Of(LogsAddress, q, null),
            Next = page.Count <= PageSize ? null : ListAddress.Of(LogsAddress, q, QueryReader.ToCursor(page[PageSize - 1].Id)),
        });
    }
}
