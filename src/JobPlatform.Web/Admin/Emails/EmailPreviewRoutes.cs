using JobPlatform.Core;
using JobPlatform.Core.Settings;
using JobPlatform.Mails;
using JobPlatform.Web.Api;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Emails;

/// <summary><c>/admin/emails/previews</c>: the platform's own mails, with made-up content, in each language.</summary>
internal static class EmailPreviewRoutes
{
    public const string Address = "/admin/emails/previews";

    // A mail brings its styles in its elements, as mail readers want it: this document alone may have them, and nothing else.
    private const string MailPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

    public static void MapEmailPreviews(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/emails/previews", List).RequireAccess(Access.Read);
        admin.MapGet("/emails/previews/{mail}/{language}", ShowAsync).RequireAccess(Access.Read);
        admin.MapGet("/emails/previews/{mail}/{language}/html", SendAsync).RequireAccess(Access.Read).WithMetadata(new ContentPolicy(MailPolicy));
    }

    private static IResult List() =>
        AdminPage.Show<EmailPreviewsPage>(new { Mails = MailPreviews.All.Select(mail => (mail.Key, MailRenderer.SubjectOf(mail.Value, Texts.For("en")))).ToList() });

    private static async Task<IResult> ShowAsync(string mail, string language) =>
        await RenderAsync(mail, language) is { } rendered
            ? AdminPage.Show<EmailPreviewPage>(new { Name = mail, Language = language, Mail = rendered })
            : NotFound(mail, language);

    private static async Task<IResult> SendAsync(string mail, string language) =>
        await RenderAsync(mail, language) is { } rendered ? Results.Text(rendered.Html, "text/html; charset=utf-8") : NotFound(mail, language);

    private static async Task<RenderedMail?> RenderAsync(string mail, string language) =>
        MailPreviews.All.TryGetValue(mail, out var message) && MailSettings.Languages.Contains(language)
            ? await MailRenderer.RenderAsync(message, Texts.For(language))
            : null;

    private static Problem NotFound(string mail, string language) =>
        new(StatusCodes.Status404NotFound, "mail-not-found", "There is no such mail.",
            $"There is no mail '{Shown.Shorten(mail)}' in '{Shown.Shorten(language)}'. {Address} lists them; the languages are {string.Join(", ", MailSettings.Languages)}.");
}
