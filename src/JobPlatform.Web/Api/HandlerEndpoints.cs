using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>GET /api/handlers</c>: every code handler, also those behind a closed gate or without their tables.</summary>
internal static class HandlerEndpoints
{
    public static void MapHandlers(this IEndpointRouteBuilder api) =>
        api.MapGet("/handlers", ListAsync).RequireAccess(Access.Read, ClientScopes.JobsRead);

    private static async Task<IResult> ListAsync(HandlerCatalog catalog, AppDatabase app, CancellationToken cancellation)
    {
        var missing = (await app.FindMissingAsync([.. catalog.All.SelectMany(handler => handler.Tables).Distinct()], cancellation)).ToHashSet();
        return ApiJson.Answer(new
        {
            handlers = catalog.All.Select(handler => new
            {
                handler.Key,
                handler.Description,
                handler.Cron,
                Gate = handler.Gate?.ToString(),
                handler.IsOpen,
                handler.Tables,
                MissingTables = handler.Tables.Where(missing.Contains),
                handler.IsDestructive,
                handler.ConfigSchema,
            }),
        });
    }
}
