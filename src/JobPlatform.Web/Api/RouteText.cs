using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary>What a route says of itself in the OpenAPI document; what its query does not name there is refused.</summary>
/// <param name="Tag">The group that it belongs to.</param>
/// <param name="Summary">What it does, in a line.</param>
internal sealed record RouteText(string Tag, string Summary)
{
    /// <summary>The parameters of the query.</summary>
    public IReadOnlyList<QueryField> Query { get; init; } = [];

    /// <summary>The type of the body; null for none.</summary>
    public Type? Body { get; init; }

    /// <summary>True where the body may be left out.</summary>
    public bool IsBodyOptional { get; init; }

    /// <summary>True where a change needs the version that was seen.</summary>
    public bool NeedsIfMatch { get; init; }

    /// <summary>The status of the good answer.</summary>
    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>The type of the good answer; null for one without a body.</summary>
    public Type? Answer { get; init; }

    /// <summary>The good answer's media type.</summary>
    public string MediaType { get; init; } = "application/json";

    /// <summary>The problems of its own, each as <c>404 job-not-found</c>.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}

internal static class RouteTextExtensions
{
    /// <summary>Describes a route.</summary>
    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, RouteText text)
    {
        route.WithMetadata(text).WithTags(text.Tag).WithSummary(text.Summary);
        route.WithMetadata(new ProducesResponseTypeMetadata(text.Status, text.Answer, text.Answer is null ? [] : [text.MediaType]));
        // Any, as routing would refuse others by itself and say less; the document names what is taken.
        if (text.Body is { } body) route.WithMetadata(new AcceptsMetadata(["*/*"], body, text.IsBodyOptional));
        return route;
    }

    /// <summary>Refuses parameters of the query that the route does not describe: a misspelt filter would show everything.</summary>
    public static RouteGroupBuilder RefuseUnknownQuery(this RouteGroupBuilder group) => group.AddEndpointFilter((context, next) =>
    {
        var request = context.HttpContext.Request;
        if (request.Query.Count == 0) return next(context);
        var known = context.HttpContext.GetEndpoint()?.Metadata.GetMetadata<RouteText>()?.Query ?? [];
        return QueryReader.FindUnknown(request, known) is { Count: > 0 } faults ? new(Problem.Invalid(faults)) : next(context);
    });
}
