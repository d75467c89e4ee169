using System.Globalization;
using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>What a route's document may do in a browser, where that is another thing than what pages may.</summary>
internal sealed record ContentPolicy(string Value);

/// <summary>What every answer tells browsers and crawlers.</summary>
internal static class SecurityHeaders
{
    // Only what is of this server: no inline script or style, nothing from elsewhere, in nobody's frame.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; " +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static IApplicationBuilder UseSecurityHeaders(this IApplicationBuilder app)
    {
        var settings = app.ApplicationServices.GetRequiredService<PlatformSettings>().Access;
        var hsts = settings.Hsts > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $"max-age={settings.Hsts.TotalSeconds:0}") : null;
        return app.Use((context, next) =>
        {
            // At the last moment: what handles an exception clears the headers that were set before.
            context.Response.OnStarting(() =>
            {
                Write(context.Response.Headers, context.GetEndpoint()?.Metadata.GetMetadata<ContentPolicy>()?.Value ?? Policy, context.Request.IsHttps ? hsts : null);
                return Task.CompletedTask;
            });
            return next(context);
        });
    }

    private static void Write(IHeaderDictionary headers, string policy, string? hsts)
    {
        headers["X-Robots-Tag"] = "noindex, nofollow, noarchive";
        // Files that are the same for everybody say so themselves.
        if (!headers.CacheControl.ToString().StartsWith("public", StringComparison.Ordinal)) headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = policy;
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (hsts is not null) headers.StrictTransportSecurity = hsts;
    }
}
