using System.Globalization;
using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace JobPlatform.Web.Api;

/// <summary><c>/openapi/v1.json</c>, made from what the routes say of themselves (<see cref="RouteText"/>, <see cref="AccessRule"/>).</summary>
internal static class ApiDocument
{
    private const string ProblemName = "Problem";
    private const string KeyScheme = "key";
    private const string SessionScheme = "session";
    private const string Json = "application/json";

    public static void AddApiDocument(this IServiceCollection services)
    {
        // Only for the document's schemas: bodies are read and answers written by options of their own.
        services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = PlatformJson.Options.PropertyNamingPolicy;
            options.SerializerOptions.NumberHandling = PlatformJson.Options.NumberHandling;
            foreach (var converter in PlatformJson.Options.Converters) options.SerializerOptions.Converters.Add(converter);
        });
        services.AddOpenApi(options =>
        {
            options.ShouldInclude = description => description.ActionDescriptor.EndpointMetadata.OfType<RouteText>().Any();
            options.AddOperationTransformer(DescribeAsync);
            options.AddDocumentTransformer(Describe);
        });
    }

    public static void MapApiDocument(this IEndpointRouteBuilder routes) => routes.MapOpenApi("/openapi/v1.json").RequireAccess(Access.Read, ClientScopes.JobsRead);

    private static Task Describe(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellation)
    {
        document.Info = new()
        {
            Title = "JobPlatform",
            Version = typeof(ApiDocument).Assembly.GetName().Version!.ToString(3),
            Description = "Errors are problem details (RFC 9457) whose type is urn:jobplatform:problem:NAME. Lists come in pages: next of one is cursor of the following.",
        };
        // It is served where it is asked for.
        document.Servers = [];
        document.AddComponent<IOpenApiSecurityScheme>(KeyScheme, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "JOBS_SECRET_KEY, or the key of an API client that has the scope.",
        });
        document.AddComponent<IOpenApiSecurityScheme>(SessionScheme, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Cookie, Name = Sessions.CookieName,
            Description = "A sign-in. What changes something also needs the header X-CSRF-Token (GET /admin/session) and a request of the same origin.",
        });
        document.AddComponent<IOpenApiSchema>(ProblemName, new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { "type", "title", "status", "detail" },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["type"] = Text("urn:jobplatform:problem:NAME"),
                ["title"] = Text("What kind of problem it is."),
                ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
                ["detail"] = Text("What is wrong this time, and what would be right."),
                ["trace_id"] = Text("What the server's log has the details under."),
                ["errors"] = new OpenApiSchema
                {
                    Type = JsonSchemaType.Array, Description = "Every field that is wrong.",
                    Items = new OpenApiSchema
                    {
                        Type = JsonSchemaType.Object,
                        Properties = new Dictionary<string, IOpenApiSchema> { ["field"] = Text("Its name."), ["message"] = Text("What is wrong with it.") },
                    },
                },
            },
        });
        return Task.CompletedTask;
    }

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var text = metadata.OfType<RouteText>().Last();
        var rule = metadata.OfType<AccessRule>().Last();
        operation.OperationId = IdOf(context.Description.HttpMethod!, context.Description.RelativePath!);
        operation.Parameters ??= [];
        foreach (var field in text.Query)
            operation.Parameters.Add(new OpenApiParameter { Name = field.Name, In = ParameterLocation.Query, Description = field.Description, Schema = field.Schema.CreateShallowCopy() });
        if (text.NeedsIfMatch)
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = "If-Match", In = ParameterLocation.Header, Required = true, Description = "The ETag of what was read, or *.", Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        await DescribeBodyAsync(operation, text, context, cancellation);
        DescribeAccess(operation, rule, context.Document);
        foreach (var group in ProblemsOf(text, rule).Distinct().GroupBy(problem => problem[..3]))
            operation.Responses![group.Key] = new OpenApiResponse
            {
                Description = string.Join(", ", group.Select(problem => problem[4..])),
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference(ProblemName, context.Document) },
                },
            };
    }

    private static async Task DescribeBodyAsync(OpenApiOperation operation, RouteText text, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        if (operation.RequestBody?.Content is not { Count: > 0 } content || text.Body is not { } type) return;
        var media = content.Values.First();
        if (HttpMethods.IsPatch(context.Description.HttpMethod!))
        {
            // Of a change nothing is required.
            var schema = await context.GetOrCreateSchemaAsync(type, cancellationToken: cancellation);
            schema.Required = null;
            media.Schema = schema;
        }
        content.Clear();
        content[Json] = media;
    }

    private static void DescribeAccess(OpenApiOperation operation, AccessRule rule, OpenApiDocument? document)
    {
        if (rule.Access == Access.Anyone) return;
        operation.Security =
        [
            new() { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [] },
            new() { [new OpenApiSecuritySchemeReference(SessionScheme, document)] = [] },
        ];
        var clients = rule.Scope is null ? "" : $", and clients with the scope {rule.Scope}";
        operation.Description = rule.Access switch
        {
            Access.Read => $"For viewers, admins, the operator's key{clients}.",
            Access.Write => $"For admins, the operator's key{clients}.",
            _ => $"For admins who signed in a moment ago, the operator's key{clients}.",
        };
    }

    private static IEnumerable<string> ProblemsOf(RouteText text, AccessRule rule)
    {
        foreach (var problem in text.Problems) yield return problem;
        yield return "422 invalid-request";
        yield return "429 too-many-requests";
        yield return "500 internal-error";
        yield return "503 database-unavailable";
        if (text.Body is not null)
        {
            yield return "413 body-too-large";
            yield return "415 unsupported-media-type";
        }
        if (text.NeedsIfMatch)
        {
            yield return "412 version-changed";
            yield return "428 version-required";
        }
        if (rule.Access == Access.Anyone) yield break;
        yield return "401 unauthorized";
        yield return "403 forbidden";
        yield return "403 scope-missing";
        if (rule.Access == Access.Destroy) yield return "403 recent-auth-required";
    }

    // GET /api/jobs/{name}/versions: get_jobs_name_versions
    private static string IdOf(string method, string path) =>
        string.Join('_', new[] { method.ToLower(CultureInfo.InvariantCulture) }.Concat(
            path.Split(['/', '{', '}', '-'], StringSplitOptions.RemoveEmptyEntries).Where(part => part != "api")));

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };
}
