using System.Globalization;
using JobPlatform.Core.Emails;
using JobPlatform.Web.Admin.Runs;
using JobPlatform.Web.Admin.Search;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Emails;

/// <summary><c>/admin/emails</c>: outgoing mail, without its bodies.</summary>
internal static class EmailRoutes
{
    private const string Address = "/admin/emails";
    private const int PageSize = 50;
    private static readonly Dictionary<string, EmailStatus> States = Enum.GetValues<EmailStatus>().ToDictionary(status => status.ToString().ToLowerInvariant());

    /// <summary>The filter with values to offer.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Suggestions { get; } = new Dictionary<string, IReadOnlyList<string>> { ["status"] = [.. States.Keys] };

    public static void MapEmailPages(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/emails", ListAsync).RequireAccess(Access.Read);
        admin.MapPost("/emails/{id}/retry", RetryAsync).RequireAccess(Access.Write);
        admin.MapPost("/emails/{id}/cancel", CancelAsync).RequireAccess(Access.Write);
    }

    private static async Task<IResult> ListAsync(HttpRequest request, EmailStore emails, string? q, CancellationToken cancellation)
    {
        var search = SearchText.Parse(q, [.. Suggestions.Keys]);
        var faults = search.Faults.ToList();
        if (search.Words is not null) faults.Add("Mails are found by their state only, such as status:failed.");
        var status = search.Values.TryGetValue("status", out var word) ? RunSearchText.Choose("status", word, States, faults) : null;
        var query = new QueryReader(request);
        var before = query.GetCursor(parts => parts is [var text] && TryReadId(text, out var id) ? (long?)id : null);
        if (query.Faults.Count > 0) return Problem.Invalid(query.Faults);
        var page = faults.Count > 0 ? [] : await emails.ListAsync(status, before, PageSize + 1, cancellation);
        return AdminPage.Show<EmailsPage>(new
        {
            Emails = page.Take(PageSize).ToList(),
            Search = q,
            Faults = faults,
            First = before is null ? null : ListAddress.Of(Address, q, null),
            Next = page.Count <= PageSize ? null : ListAddress.Of(Address, q, QueryReader.ToCursor(page[PageSize - 1].Id)),
        });
    }

    private static Task<IResult> RetryAsync(string id, HttpContext context, EmailStore emails, CancellationToken cancellation) =>
        ChangeAsync(id, context, emails, key => emails.RetryAsync(key, context.ToActor(), cancellation), "is queued again.", "only a failed or canceled mail can be sent again.", cancellation);

    private static Task<IResult> CancelAsync(string id, HttpContext context, EmailStore emails, CancellationToken cancellation) =>
        ChangeAsync(id, context, emails, key => emails.CancelAsync(key, context.ToActor(), cancellation), "is taken out of the queue.", "only a pending mail can be canceled.", cancellation);

    private static async Task<IResult> ChangeAsync(
        string id, HttpContext context, EmailStore emails, Func<long, Task<bool>> change, string done, string rule, CancellationToken cancellation)
    {
        if (!TryReadId(id, out var key)) return EmailEndpoints.NotFound(id);
        var isChanged = await change(key);
        if (await emails.FindAsync(key, cancellation) is not { } email) return EmailEndpoints.NotFound(id);
        return isChanged
            ? AdminPage.GoBack(context, Address, $"The mail to {email.ToAddress} {done}")
            : AdminPage.GoBack(context, Address, $"The mail to {email.ToAddress} is {email.Status.ToString().ToLowerInvariant()}: {rule}", isFault: true);
    }

    private static bool TryReadId(string text, out long id) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);
}
