using JobPlatform.Core.Administration;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Web.Security;

/// <summary>
/// Pages that are not the platform's own, such as an engine's dashboard: nobody knows what each of their buttons does, so
/// that every command is written to the audit log before it is let through, and counts as a destructive one.
/// </summary>
public static class PageCommands
{
    // A page of Hangfire holds up to 500 jobs; the log need not name more.
    private const int MostNamed = 500;

    /// <summary>Audits the commands of these pages as <c>NAME.command</c>, with the path and the form's values.</summary>
    /// <param name="route">The pages' endpoint.</param>
    /// <param name="name">What the audit log calls them.</param>
    /// <param name="reads">The path that is posted to only to read.</param>
    public static T AuditCommands<T>(this T route, string name, string reads) where T : IEndpointConventionBuilder
    {
        route.Add(endpoint =>
        {
            var metadata = new Page(name, reads);
            endpoint.Metadata.Add(metadata);
            var next = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = async context =>
            {
                if (metadata.IsCommand(context.Request)) await AuditAsync(context, metadata);
                await next(context);
            };
        });
        return route;
    }

    /// <summary>Whether the request changes something on such a page.</summary>
    internal static bool IsCommand(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<Page>()?.IsCommand(context.Request) == true;

    private static async Task AuditAsync(HttpContext context, Page page)
    {
        var form = context.Request.HasFormContentType ? await context.Request.ReadFormAsync(context.RequestAborted) : FormCollection.Empty;
        await context.RequestServices.GetRequiredService<AuditLog>().AppendAsync(
            new(context.ToActor(), $"{page.Name}.command", context.Request.Path)
            {
                Details = new { Jobs = form["jobs[]"].Take(MostNamed).ToArray() },
            }, context.RequestAborted);
    }

    private sealed record Page(string Name, string Reads)
    {
        public bool IsCommand(HttpRequest request) =>
            !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !request.Path.StartsWithSegments(Reads);
    }
}
