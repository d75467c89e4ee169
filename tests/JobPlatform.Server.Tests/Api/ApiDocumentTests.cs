using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace JobPlatform.Server.Tests.Api;

public sealed class ApiDocumentTests
{
    [Test]
    public async Task The_document_is_valid_and_describes_every_route_of_the_API()
    {
        await using var host = await ApiHost.StartAsync(settings: "ENABLE_DEBUG_ROUTES=true");
        var text = (await host.GetAsync("/openapi/v1.json")).GetRawText();

        var read = OpenApiDocument.Parse(text, "json");

        Assert.That(read.Diagnostic?.Errors, Is.Empty);
        var described = read.Document!.Paths.SelectMany(path => path.Value.Operations!.Select(operation => $"{operation.Key} {path.Key}")).ToList();
        var mapped = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.RoutePattern.RawText!.TrimStart('/') is var address && (address.StartsWith("api/", StringComparison.Ordinal) || address.StartsWith("health/", StringComparison.Ordinal)))
            .SelectMany(route => route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(method => $"{method} /{route.RoutePattern.RawText!.TrimStart('/')}"));
        Assert.That(described, Is.EquivalentTo(mapped));
    }

    [Test]
    public async Task Every_operation_says_what_it_does_whom_it_serves_what_it_answers_and_how_it_refuses()
    {
        await using var host = await ApiHost.StartAsync(settings: "ENABLE_DEBUG_ROUTES=true");
        var document = OpenApiDocument.Parse((await host.GetAsync("/openapi/v1.json")).GetRawText(), "json").Document!;

        Assert.Multiple(() =>
        {
            var ids = new HashSet<string>();
            foreach (var (path, item) in document.Paths)
            foreach (var (method, operation) in item.Operations!)
            {
                var name = $"{method} {path}";
                Assert.That(operation.Summary, Is.Not.Empty.And.EndsWith("."), name);
                Assert.That(ids.Add(operation.OperationId!), Is.True, $"{name}: its id is another's, too");
                Assert.That(operation.Responses!.Keys, Has.Some.StartsWith("2"), name);
                Assert.That(operation.Responses, Does.ContainKey("429"), name);
                if (method == HttpMethod.Patch || method == HttpMethod.Delete)
                    Assert.That(operation.Parameters!.Select(parameter => parameter.Name), Does.Contain("If-Match"), name);
                if (method == HttpMethod.Patch) Assert.That(operation.RequestBody!.Content!.Keys, Is.EqualTo((string[])["application/json"]), name);
                var isOpen = path.StartsWith("/health", StringComparison.Ordinal) || path.StartsWith("/api/internal", StringComparison.Ordinal) || path == "/api/stripe/webhook";
                Assert.That(operation.Security?.Count ?? 0, Is.EqualTo(isOpen ? 0 : 2), name);
            }
        });
        var job = document.Components!.Schemas!["Job"];
        Assert.That(job.Properties!["priority"].Maximum, Is.EqualTo("9"));
        Assert.That(document.Components.Schemas["Problem"].Required, Does.Contain("type"));
    }
}
