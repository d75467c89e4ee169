using System.Buffers;
using System.Text.Json.Serialization;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace JobPlatform.Web.Api;

/// <summary><c>POST /api/jobs/run</c>: commits a run and answers 202 before it starts.</summary>
internal static class RunJobEndpoint
{
    private const int MostBytes = 64 * 1024;

    public static void MapRunJob(this IEndpointRouteBuilder api) =>
        api.MapPost("/jobs/run", RunAsync).RequireAccess(Access.Write, ClientScopes.JobsRun);

    private static async Task<IResult> RunAsync(
        HttpContext context, RunEnqueuer enqueuer, RunStore runs, PlatformSettings settings, CancellationToken cancellation)
    {
        if (FindMediaTypeFault(context.Request) is { } fault)
            return new Problem(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", "The body's media type is not supported.", fault);
        if (await ReadBodyAsync(context.Request, cancellation) is not { } body)
            return new Problem(StatusCodes.Status413PayloadTooLarge, "body-too-large", "The body is too large.",
                $"The body has more than {MostBytes} bytes. Store what is large elsewhere and give its address in the payload.");
        var (request, faults) = RunJobBody.Read(body, context.Request.Headers["Idempotency-Key"], context.ToActor());
        if (faults.Count > 0) return Problem.Invalid(faults);
        var caller = context.FindCaller()!;
        if (caller.IsSession) request = request with { Trigger = RunTrigger.Manual, TriggeredBy = caller.Name };
        if (request.Force && caller.Kind == CallerKind.Client && !caller.Scopes.Contains(ClientScopes.JobsWrite))
            return new Problem(StatusCodes.Status403Forbidden, "scope-missing", "The client's scopes do not allow this.",
                $"force: it runs a disabled job, and needs the scope {ClientScopes.JobsWrite}. Leave it out, or enable the job.");

        switch (await enqueuer.EnqueueAsync(request, cancellation))
        {
            case RunAnswer.Enqueued enqueued:
                return Accept(context, settings, new() { RunId = enqueued.RunId, Status = RunStatus.Queued });
            case RunAnswer.Existing existing:
                var run = await runs.FindAsync(existing.RunId, cancellation);
                return Accept(context, settings, new() { RunId = existing.RunId, Status = run?.Status, Existing = true });
            case RunAnswer.UnknownJob unknown:
                return new Problem(StatusCodes.Status404NotFound, "job-not-found", "There is no such job.", unknown.Message);
            case RunAnswer.Disabled disabled:
                return new Problem(StatusCodes.Status409Conflict, "job-disabled", "The job is disabled.", disabled.Message);
            case RunAnswer.InvalidPayload invalid:
                return Problem.Invalid([.. invalid.Faults.Select(f => f with { Field = f.Field.Length == 0 ? "payload" : $"payload.{f.Field}" })]);
            case RunAnswer.KeyReused reused:
                return new Problem(StatusCodes.Status422UnprocessableEntity, "idempotency-key-reused", "The idempotency key is taken.", reused.Message)
                {
                    Errors = [new ConfigFault("Idempotency-Key", reused.Message)],
                };
            case var answer:
                throw new InvalidOperationException($"{answer} is an answer that the API does not know.");
        }
    }

    private static string? FindMediaTypeFault(HttpRequest request)
    {
        if (request.Headers.ContentEncoding.Count > 0)
            return $"Content-Encoding: {Shown.Shorten(request.Headers.ContentEncoding.ToString())} is not supported. Send the body as it is.";
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            return $"Content-Type: '{Shown.Shorten(request.ContentType ?? "")}' is not application/json.";
        return type.Charset.HasValue && !HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            ? $"Content-Type: the charset {Shown.Shorten(type.Charset.ToString())} is not supported. JSON is UTF-8."
            : null;
    }

    // Null when it is too large, whether it says so beforehand or comes in chunks.
    private static async Task<byte[]?> ReadBodyAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > MostBytes) return null;
        var read = await request.BodyReader.ReadAtLeastAsync(MostBytes + 1, cancellation);
        var body = read.Buffer.Length > MostBytes ? null : read.Buffer.ToArray();
        request.BodyReader.AdvanceTo(read.Buffer.End);
        return body;
    }

    private static IResult Accept(HttpContext context, PlatformSettings settings, Accepted answer)
    {
        var request = context.Request;
        // Without PUBLIC_URL: the address that the caller used. It goes back to nobody else.
        var root = settings.PublicUrl?.AbsoluteUri.TrimEnd('/')
            ?? (request.Host.HasValue ? $"{request.Scheme}://{request.Host}{request.PathBase}" : request.PathBase.Value);
        var url = $"{root}/api/runs/{answer.RunId}";
        context.Response.Headers.Location = url;
        return ApiJson.Answer(answer with { Url = url }, StatusCodes.Status202Accepted);
    }

    private sealed record Accepted
    {
        public required Guid RunId { get; init; }

        // Null when the existing run was purged a moment ago.
        public required RunStatus? Status { get; init; }

        public string Url { get; init; } = "";

        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
        public bool Existing { get; init; }
    }
}
