using System.Globalization;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Emails;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>/api/emails</c>: outgoing mail, without its bodies.</summary>
internal static class EmailEndpoints
{
    private static readonly QueryField<EmailStatus?> Status = QueryField.Word<EmailStatus>("status", "Only in this state.");

    public static void MapEmails(this IEndpointRouteBuilder api)
    {
        api.MapGet("/emails", ListAsync).RequireAccess(Access.Read, ClientScopes.EmailsRead).Describe(new("emails", "List mails, the newest first.")
        {
            Query = [Status, QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<Email>), Problems = ["422 invalid-request"],
        });
        api.MapGet("/emails/{id}", FindAsync).RequireAccess(Access.Read, ClientScopes.EmailsRead).Describe(new("emails", "Read a mail.")
        {
            Answer = typeof(Email), Problems = ["404 email-not-found"],
        });
        api.MapPost("/emails/{id}/retry", RetryAsync).RequireAccess(Access.Write, ClientScopes.EmailsWrite).Describe(new("emails", "Send a failed or canceled mail again.")
        {
            Answer = typeof(Email), Problems = ["404 email-not-found", "409 email-state"],
        });
        api.MapPost("/emails/{id}/cancel", CancelAsync).RequireAccess(Access.Write, ClientScopes.EmailsWrite).Describe(new("emails", "Take a waiting mail out of the queue.")
        {
            Answer = typeof(Email), Problems = ["404 email-not-found", "409 email-state"],
        });
    }

    private static async Task<IResult> ListAsync(HttpRequest request, EmailStore emails, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var status = query.Get(Status);
        var before = query.GetCursor(parts => parts is [var text] && TryReadId(text, out var id) ? (long?)id : null);
        var limit = query.Limit;
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : Page<Email>.Answer(await emails.ListAsync(status, before, limit, cancellation), limit, email => QueryReader.ToCursor(email.Id));
    }

    private static async Task<IResult> FindAsync(string id, EmailStore emails, CancellationToken cancellation) =>
        TryReadId(id, out var key) && await emails.FindAsync(key, cancellation) is { } email ? ApiJson.Answer(email) : NotFound(id);

    private static Task<IResult> RetryAsync(string id, HttpContext context, EmailStore emails, CancellationToken cancellation) =>
        ChangeAsync(id, emails, key => emails.RetryAsync(key, context.ToActor(), cancellation), "only a failed or canceled mail can be sent again", cancellation);

    private static Task<IResult> CancelAsync(string id, HttpContext context, EmailStore emails, CancellationToken cancellation) =>
        ChangeAsync(id, emails, key => emails.CancelAsync(key, context.ToActor(), cancellation), "only a pending mail can be canceled", cancellation);

    private static async Task<IResult> ChangeAsync(string id, EmailStore emails, Func<long, Task<bool>> change, string rule, CancellationToken cancellation)
    {
        if (!TryReadId(id, out var key)) return NotFound(id);
        var isChanged = await change(key);
        if (await emails.FindAsync(key, cancellation) is not { } email) return NotFound(id);
        return isChanged
            ? ApiJson.Answer(email)
            : new Problem(StatusCodes.Status409Conflict, "email-state", "The mail is in another state.",
                $"The mail {key} is {email.Status.ToString().ToLowerInvariant()}: {rule}.");
    }

    private static bool TryReadId(string text, out long id) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);

    public static Problem NotFound(string id) =>
        new(StatusCodes.Status404NotFound, "email-not-found", "There is no such mail.", $"There is no mail '{Shown.Shorten(id)}'. GET /api/emails lists them.");
}
