using System.Text.Json.Nodes;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>GET /api/handlers</c>: every code handler, also those behind a closed gate or without their tables and settings.</summary>
internal static class HandlerEndpoints
{
    public static void MapHandlers(this IEndpointRouteBuilder api) =>
        api.MapGet("/handlers", ListAsync).RequireAccess(Access.Read, ClientScopes.JobsRead)
            .Describe(new("handlers", "List the code handlers with the schemas of their configs.") { Answer = typeof(HandlerList) });

    private static async Task<IResult> ListAsync(HandlerCatalog catalog, AppDatabase app, CancellationToken cancellation)
    {
        var missing = (await app.FindMissingAsync([.. catalog.All.SelectMany(handler => handler.Tables).Distinct()], cancellation)).ToHashSet();
        return ApiJson.Answer(new HandlerList([.. catalog.All.Select(handler => new HandlerOverview(
            handler.Key, handler.Description, handler.Cron, handler.Gate?.ToString(), handler.IsOpen,
            handler.Tables, [.. handler.Tables.Where(missing.Contains)], handler.MissingSettings, handler.IsDestructive, handler.ConfigSchema))]));
    }

    private sealed record HandlerList(IReadOnlyList<HandlerOverview> Handlers);

    private sealed record HandlerOverview(string Key, string Description, string? Cron, string? Gate, bool IsOpen,
        IReadOnlyList<string> Tables, IReadOnlyList<string> MissingTables, IReadOnlyList<string> MissingSettings, bool IsDestructive, JsonNode ConfigSchema);
}
