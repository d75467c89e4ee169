using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Webhooks;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Api;

/// <summary><c>/api/job-handlers</c>: webhooks as handlers. Their secrets are written, and never read.</summary>
internal static class WebhookEndpoints
{
    private const string Example = "{\"key\": \"crm-sync\", \"url\": \"https://hooks.example.com/crm\"}";

    public static void MapWebhooks(this IEndpointRouteBuilder api)
    {
        api.MapGet("/job-handlers", ListAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("handlers", "List webhook handlers.")
        {
            Query = [QueryField.Cursor, QueryField.Limit], Answer = typeof(Page<Webhook>), Problems = ["422 invalid-request"],
        });
        api.MapPost("/job-handlers", CreateAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("handlers", "Make a webhook handler.")
        {
            Body = typeof(WebhookBody), Status = 201, Answer = typeof(Webhook), Problems = ["409 handler-exists", "422 invalid-request"],
        });
        api.MapGet("/job-handlers/{key}", FindAsync).RequireAccess(Access.Read, ClientScopes.JobsRead).Describe(new("handlers", "Read a webhook handler.")
        {
            Answer = typeof(Webhook), Problems = ["404 handler-not-found"],
        });
        // Where it leads to and with which secret cannot be looked up afterwards: as strict as a deletion.
        api.MapPatch("/job-handlers/{key}", UpdateAsync).RequireAccess(Access.Destroy, ClientScopes.JobsWrite).Describe(new("handlers", "Change a webhook handler, or replace its secrets.")
        {
            Body = typeof(WebhookBody), NeedsIfMatch = true, Answer = typeof(Webhook), Problems = ["404 handler-not-found", "422 invalid-request"],
        });
        api.MapDelete("/job-handlers/{key}", DeleteAsync).RequireAccess(Access.Destroy, ClientScopes.JobsWrite).Describe(new("handlers", "Delete a webhook handler with its secrets.")
        {
            NeedsIfMatch = true, Status = 204, Problems = ["404 handler-not-found"],
        });
        api.MapPost("/job-handlers/{key}/test", TestAsync).RequireAccess(Access.Write, ClientScopes.JobsWrite).Describe(new("handlers", "Call a webhook now, as a run of a job 'webhook-test' with an empty config.")
        {
            Answer = typeof(WebhookResult), Problems = ["404 handler-not-found"],
        });
    }

    private static async Task<IResult> ListAsync(HttpRequest request, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        var query = new QueryReader(request);
        var after = query.GetCursor(parts => parts is [var key] ? key : null);
        var limit = query.Limit;
        return query.Faults.Count > 0
            ? Problem.Invalid(query.Faults)
            : Page<Webhook>.Answer(await webhooks.ListAsync(after, limit, cancellation), limit, webhook => QueryReader.ToCursor(webhook.Key));
    }

    private static async Task<IResult> CreateAsync(HttpContext context, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        var (definition, secrets, refusal) = await ReadAsync(context.Request, null, cancellation);
        if (definition is null) return refusal!;
        var answer = await webhooks.CreateAsync(definition, secrets, context.ToActor(), cancellation);
        if (answer is WebhookAnswer.Conflict conflict)
            return new Problem(StatusCodes.Status409Conflict, "handler-exists", "There is such a handler already.", conflict.Message);
        if (answer is not WebhookAnswer.Done { Webhook: var webhook }) return ToResult(context, answer);
        context.Response.Headers.Location = $"{context.Request.PathBase}/api/job-handlers/{webhook.Key}";
        return context.WithVersion(webhook.Version, ApiJson.Answer(webhook, StatusCodes.Status201Created));
    }

    private static async Task<IResult> FindAsync(string key, HttpContext context, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        if (await LoadAsync(key, webhooks, cancellation) is not { } webhook) return NotFound(key);
        return context.WithVersion(webhook.Version, context.Request.HasVersion(webhook.Version) ? Results.StatusCode(StatusCodes.Status304NotModified) : ApiJson.Answer(webhook));
    }

    private static async Task<IResult> UpdateAsync(string key, HttpContext context, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        var (version, stale) = context.Request.ReadIfMatch();
        if (stale is not null) return stale;
        if (await LoadAsync(key, webhooks, cancellation) is not { } webhook) return NotFound(key);
        var (definition, secrets, refusal) = await ReadAsync(context.Request, webhook, cancellation);
        if (definition is null) return refusal!;
        if (definition.Key != key) return Problem.Invalid(new ConfigFault("key", "it never changes. Make another webhook, and give it to the jobs."));
        return ToResult(context, await webhooks.UpdateAsync(definition, version ?? webhook.Version, secrets, context.ToActor(), cancellation));
    }

    private static async Task<IResult> DeleteAsync(string key, HttpContext context, WebhookHandlerStore webhooks, CancellationToken cancellation)
    {
        var (version, stale) = context.Request.ReadIfMatch();
        if (stale is not null) return stale;
        if (await LoadAsync(key, webhooks, cancellation) is not { } webhook) return NotFound(key);
        var answer = await webhooks.DeleteAsync(key, version ?? webhook.Version, context.ToActor(), cancellation);
        return answer is WebhookAnswer.Done ? Results.NoContent() : ToResult(context, answer);
    }

    private static async Task<IResult> TestAsync(string key, HttpContext context, WebhookCaller caller, CancellationToken cancellation) =>
        Core.Jobs.JobDefinition.IsName(key) && await caller.TestAsync(key, context.ToActor(), cancellation) is { } result ? ApiJson.Answer(result) : NotFound(key);

    private static async Task<Webhook?> LoadAsync(string key, WebhookHandlerStore webhooks, CancellationToken cancellation) =>
        Core.Jobs.JobDefinition.IsName(key) ? await webhooks.FindAsync(key, cancellation) : null;

    // The secrets are taken out first, as faults show the values that they are about.
    private static async Task<(WebhookDefinition? Definition, WebhookSecrets Secrets, Problem? Refusal)> ReadAsync(
        HttpRequest request, Webhook? before, CancellationToken cancellation)
    {
        var (body, refusal) = await JsonBody.ReadAsync(request, Example, cancellation: cancellation);
        if (refusal is not null) return (null, WebhookSecrets.Unchanged, refusal);
        var faults = new List<ConfigFault>();
        var secrets = new WebhookSecrets { Auth = ReadSecret(body, "secret", faults), Signing = ReadSecret(body, "signing_secret", faults) };
        var fields = JsonObject.Create(body)!;
        fields.Remove("secret");
        fields.Remove("signing_secret");
        var based = before is null ? new JsonObject() : JsonSerializer.SerializeToNode<WebhookDefinition>(before, PlatformJson.Options)!;
        var (read, more) = ConfigReader.Read(typeof(WebhookDefinition), JsonSerializer.SerializeToElement(based), JsonSerializer.SerializeToElement(fields));
        faults.AddRange(more);
        if (faults.Count > 0) return (null, secrets, Problem.Invalid(faults));
        var definition = (WebhookDefinition)read!;
        // Where the body does not name it.
        return (definition.Key is null ? definition with { Key = "" } : definition, secrets, null);
    }

    private static string? ReadSecret(JsonElement body, string field, List<ConfigFault> faults)
    {
        if (!body.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        faults.Add(new(field, "it is not a text."));
        return null;
    }

    private static IResult ToResult(HttpContext context, WebhookAnswer answer) => answer switch
    {
        WebhookAnswer.Done { Webhook: var webhook } => context.WithVersion(webhook.Version, ApiJson.Answer(webhook)),
        WebhookAnswer.Unknown { Message: var message } => NotFoundProblem(message),
        WebhookAnswer.Conflict { Message: var message } => Problem.Stale(message),
        WebhookAnswer.Invalid { Faults: var faults } => Problem.Invalid(faults),
        _ => throw new InvalidOperationException($"{answer} is an answer that the API does not know."),
    };

    private static Problem NotFound(string key) => NotFoundProblem($"There is no webhook '{Shown.Shorten(key)}'. GET /api/job-handlers lists them all.");

    private static Problem NotFoundProblem(string detail) => new(StatusCodes.Status404NotFound, "handler-not-found", "There is no such handler.", detail);

    // Read by hand; this describes the fields.
    private sealed record WebhookBody : WebhookDefinition
    {
        public string? Secret { get; init; }

        public string? SigningSecret { get; init; }
    }
}
