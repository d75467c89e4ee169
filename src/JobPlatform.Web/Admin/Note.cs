using System.Buffers.Text;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Admin;

/// <summary>
/// What an action says on the page that follows it, in a cookie that lives until then. Immutable.
/// </summary>
/// <param name="Text">A sentence or two.</param>
/// <param name="IsFault">True when the action was not done.</param>
public sealed record Note(string Text, bool IsFault)
{
    private const string Cookie = "jobplatform_note";

    // Browsers take 4 KiB a cookie; this in Base64 stays below it.
    private const int Longest = 600;

    internal static void Leave(HttpContext context, string text, bool isFault)
    {
        var kept = text.Length <= Longest ? text : text[..Longest] + "…";
        context.Response.Cookies.Append(Cookie, (isFault ? "!" : ".") + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(kept)), Options(context));
    }

    /// <summary>The note that was left, once; null for none.</summary>
    internal static Note? Take(HttpContext context)
    {
        if (!context.Request.Cookies.TryGetValue(Cookie, out var value) || value.Length < 2) return null;
        context.Response.Cookies.Delete(Cookie, Options(context));
        return Base64Url.IsValid(value.AsSpan(1)) ? new(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(value.AsSpan(1))), value[0] == '!') : null;
    }

    private static CookieOptions Options(HttpContext context) => new()
    {
        Path = "/admin", HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, MaxAge = TimeSpan.FromMinutes(1),
    };
}
