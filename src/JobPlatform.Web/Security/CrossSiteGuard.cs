using JobPlatform.Core.Settings;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Web.Security;

/// <summary>
/// Keeps other sites from using a browser's session: a change needs a request that the browser attests to come from
/// this site, and a token that only this site's pages can read.
/// </summary>
internal sealed partial class CrossSiteGuard(IAntiforgery antiforgery, PlatformSettings settings, ILogger<CrossSiteGuard> log)
{
    public const string Header = "X-CSRF-Token";
    public const string Field = "csrf_token";

    /// <summary>The answer to a request that may not come from this site; null when all is well.</summary>
    public async Task<Problem?> FindFaultAsync(HttpContext context)
    {
        if (!IsOwnOrigin(context.Request))
        {
            LogForeign(context.Request.Headers.Origin.ToString());
            return new(StatusCodes.Status403Forbidden, "foreign-origin", "The request comes from another site.",
                "A change with a session needs Sec-Fetch-Site: same-origin, or this server's own Origin. Behind a proxy, set PUBLIC_URL.");
        }
        try
        {
            await antiforgery.ValidateRequestAsync(context);
            return null;
        }
        // The second: a form that cannot be read, where the token should be.
        catch (Exception e) when (e is AntiforgeryValidationException or InvalidDataException)
        {
            LogToken(e.Message);
            return new(StatusCodes.Status403Forbidden, "csrf-token-invalid", "The antiforgery token is missing or of another session.",
                $"Load the page anew, or send the csrf_token of GET /admin/session in the header {Header}.");
        }
    }

    // Only the browser sets either header, never a page's script. The first is decisive where it is sent, as it holds
    // behind proxies that change scheme and host, too; it is not sent over plain HTTP, except to this machine.
    private bool IsOwnOrigin(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"];
        if (site.Count > 0) return site == "same-origin";
        return request.Headers.Origin is [{ } text] && Uri.TryCreate(text, UriKind.Absolute, out var origin)
            && (IsSame(origin, settings.PublicUrl) || (Uri.TryCreate($"{request.Scheme}://{request.Host}", UriKind.Absolute, out var own) && IsSame(origin, own)));
    }

    private static bool IsSame(Uri origin, Uri? own) =>
        own is not null && Uri.Compare(origin, own, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;

    [LoggerMessage(3022, LogLevel.Warning, "A change with a session was refused: it comes from the origin '{Origin}'")]
    private partial void LogForeign(string origin);

    [LoggerMessage(3023, LogLevel.Warning, "A change with a session was refused: {Fault}")]
    private partial void LogToken(string fault);
}
