using JobPlatform.Core.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>Where a request really comes from and how, when proxies stand in between.</summary>
internal static class OuterAddress
{
    /// <summary>
    /// Believes the configured proxies, and nobody else. Where people come by HTTPS (<c>PUBLIC_URL</c>) every request is
    /// taken to be encrypted, so that cookies are secure also behind a proxy that says nothing.
    /// </summary>
    public static IApplicationBuilder UseOuterAddress(this IApplicationBuilder app)
    {
        var settings = app.ApplicationServices.GetRequiredService<PlatformSettings>();
        if (settings.Access.TrustedProxies.Count > 0) app.UseForwardedHeaders(Describe(settings.Access.TrustedProxies));
        if (settings.PublicUrl?.Scheme != Uri.UriSchemeHttps) return app;
        return app.Use((context, next) =>
        {
            context.Request.Scheme = Uri.UriSchemeHttps;
            return next(context);
        });
    }

    // Not the host: links and redirects would lead to whatever a caller wrote.
    private static ForwardedHeadersOptions Describe(IReadOnlyList<System.Net.IPNetwork> proxies)
    {
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        options.KnownIPNetworks.Clear();
        options.KnownProxies.Clear();
        foreach (var proxy in proxies) options.KnownIPNetworks.Add(proxy);
        return options;
    }
}
