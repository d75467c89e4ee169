using JobPlatform.Core.Runs;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Runs;

/// <summary>
/// <c>POST /admin/runs/bulk/…</c>: something done to all runs that fit a search. The first post counts and asks; the
/// second, which carries what the first gave out, does it.
/// </summary>
internal static class BulkRunRoutes
{
    public static void MapBulkRunPages(this IEndpointRouteBuilder admin)
    {
        admin.MapPost("/runs/bulk/cancel", CancelAsync).RequireAccess(Access.Write);
        admin.MapPost("/runs/bulk/retry", RetryAsync).RequireAccess(Access.Write);
        admin.MapPost("/runs/bulk/delete", DeleteAsync).RequireAccess(Access.Destroy);
    }

    private static Task<IResult> CancelAsync(HttpContext context, BulkRuns bulk, TimeProvider clock, CancellationToken cancellation) =>
        AnswerAsync(BulkAction.Cancel, context, bulk, clock, cancellation);

    private static Task<IResult> RetryAsync(HttpContext context, BulkRuns bulk, TimeProvider clock, CancellationToken cancellation) =>
        AnswerAsync(BulkAction.Retry, context, bulk, clock, cancellation);

    private static Task<IResult> DeleteAsync(HttpContext context, BulkRuns bulk, TimeProvider clock, CancellationToken cancellation) =>
        AnswerAsync(BulkAction.Delete, context, bulk, clock, cancellation);

    private static async Task<IResult> AnswerAsync(BulkAction action, HttpContext context, BulkRuns bulk, TimeProvider clock, CancellationToken cancellation)
    {
        var form = await context.Request.ReadFormAsync(cancellation);
        var search = form["q"].ToString();
        var wanted = RunSearchText.Read(search, ReadTime(form["at"]) ?? clock.GetUtcNow());
        if (wanted.Faults.Count > 0) return Problem.Invalid([.. wanted.Faults.Select(fault => new Core.Handlers.ConfigFault("q", fault))]);
        if (wanted.Text is not null) return Problem.Invalid(new Core.Handlers.ConfigFault("q", "a text finds runs to look at, not to change. Name a job, a state or a time."));
        var (actor, address) = (context.ToActor(), $"/admin/runs?q={Uri.EscapeDataString(search)}");
        if (form["confirm"].ToString() is not { Length: > 0 } confirm)
        {
            var at = clock.GetUtcNow();
            // As the second post reads it: since:1h means the same hour.
            wanted = RunSearchText.Read(search, at);
            return AdminPage.Show<BulkPage>(new
            {
                Action = action, Search = search, Back = address, At = at.UtcTicks, Offer = await bulk.OfferAsync(action, wanted.Filter, actor, cancellation),
            });
        }
        var (result, refusal) = await bulk.ConfirmAsync(action, wanted.Filter, confirm, actor, cancellation);
        if (result is null) return AdminPage.GoBack(context, address, refusal!, isFault: true);
        if (result.TooWide is { Count: > 0 } bounds) return AdminPage.Confirm(context, bounds);
        var word = action switch { BulkAction.Cancel => "canceled", BulkAction.Retry => "retried", _ => "deleted" };
        var text = result.Failed == 0 ? $"{Count(result.Done)} {word}." : $"{Count(result.Done)} {word}, {result.Failed} not. {string.Join(' ', result.Failures)}";
        return AdminPage.GoBack(context, address, text, isFault: result.Failed > 0);
    }

    private static DateTimeOffset? ReadTime(string? ticks) =>
        long.TryParse(ticks, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var given) && given <= DateTimeOffset.MaxValue.UtcTicks
            ? new(given, TimeSpan.Zero) : null;

    private static string Count(int runs) => runs == 1 ? "1 run" : $"{runs.ToString("N0", System.Globalization.CultureInfo.InvariantCulture)} runs";
}
