using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>GET /health/live</c> and <c>/health/ready</c>, for whoever restarts and balances. Anonymous.</summary>
internal static class HealthEndpoints
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/health/live", Methods, () => ApiJson.Answer(new Health("live"))).RequireAccess(Access.Anyone)
            .Describe(new("health", "Say whether the process lives.") { Answer = typeof(Health) });
        routes.MapMethods("/health/ready", Methods, (Readiness readiness) => readiness.AskAsync()).RequireAccess(Access.Anyone)
            .Describe(new("health", "Say whether the server can serve.") { Answer = typeof(Health), Problems = ["503 not-ready"] });
    }
}
