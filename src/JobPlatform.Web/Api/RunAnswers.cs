using System.Text.Json.Serialization;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Api;

/// <summary>A run that was asked for.</summary>
internal sealed record Accepted
{
    public required Guid RunId { get; init; }

    // Null when the existing run was purged a moment ago.
    public required RunStatus? Status { get; init; }

    public string Url { get; init; } = "";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Existing { get; init; }
}

/// <summary>Puts a <see cref="RunAnswer"/> into HTTP, the same for all that asks for runs. Thread-safe.</summary>
internal sealed class RunAnswers(RunStore runs, PlatformSettings settings)
{
    /// <summary>The problems among the answers, for <see cref="RouteText.Problems"/>.</summary>
    public static IReadOnlyList<string> Problems { get; } = ["403 recent-auth-required", "403 scope-missing", "404 job-not-found", "409 job-disabled", "422 invalid-request", "422 idempotency-key-reused"];

    public async Task<IResult> ToResultAsync(HttpContext context, RunAnswer answer, CancellationToken cancellation)
    {
        switch (answer)
        {
            case RunAnswer.Enqueued enqueued:
                return Accept(context, new() { RunId = enqueued.RunId, Status = RunStatus.Queued });
            case RunAnswer.Existing existing:
                var run = await runs.FindAsync(existing.RunId, cancellation);
                return Accept(context, new() { RunId = existing.RunId, Status = run?.Status, Existing = true });
            case RunAnswer.UnknownJob unknown:
                return Problem.JobNotFound(unknown.Message);
            case RunAnswer.Disabled disabled:
                return new Problem(StatusCodes.Status409Conflict, "job-disabled", "The job is disabled.", disabled.Message);
            case RunAnswer.InvalidPayload invalid:
                return Problem.Invalid([.. invalid.Faults.Select(f => f with { Field = f.Field.Length == 0 ? "payload" : $"payload.{f.Field}" })]);
            case RunAnswer.TooWide wide:
                return Refusals.TooWide(context, wide.Bounds);
            case RunAnswer.KeyReused reused:
                return new Problem(StatusCodes.Status422UnprocessableEntity, "idempotency-key-reused", "The idempotency key is taken.", reused.Message)
                {
                    Errors = [new ConfigFault("Idempotency-Key", reused.Message)],
                };
            default:
                throw new InvalidOperationException($"{answer} is an answer that the API does not know.");
        }
    }

    private IResult Accept(HttpContext context, Accepted answer)
    {
        var url = AddressOf(context.Request, answer.RunId);
        context.Response.Headers.Location = url;
        return ApiJson.Answer(answer with { Url = url }, StatusCodes.Status202Accepted);
    }

    /// <summary>Where the run can be read.</summary>
    public string AddressOf(HttpRequest request, Guid runId) => $"{RootOf(request)}/api/runs/{runId}";

    // Without PUBLIC_URL: the address that the caller used. It goes back to nobody else.
    private string? RootOf(HttpRequest request) => settings.PublicUrl?.AbsoluteUri.TrimEnd('/')
        ?? (request.Host.HasValue ? $"{request.Scheme}://{request.Host}{request.PathBase}" : request.PathBase.Value);
}
