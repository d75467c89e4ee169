using System.Globalization;
using JobPlatform.Core.Handlers;
using JobPlatform.Web.Admin;
using JobPlatform.Web.Admin.Layout;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;

namespace JobPlatform.Web.Api;

/// <summary>An answer that says no, as RFC 9457 has it. Its <c>type</c> is <c>urn:jobplatform:problem:NAME</c> and stays.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Name">The last part of the type.</param>
/// <param name="Title">What kind of problem it is; the same for all of a type.</param>
/// <param name="Detail">What is wrong this time, and what would be right.</param>
internal sealed record Problem(int Status, string Name, string Title, string Detail) : IResult
{
    /// <summary>Every field that is wrong.</summary>
    public IReadOnlyList<ConfigFault>? Errors { get; init; }

    /// <summary>When to try again; rounded up to seconds, at least one.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What the log has the details under.</summary>
    public string? TraceId { get; init; }

    /// <summary>The request was understood and cannot be meant.</summary>
    public static Problem Invalid(params IReadOnlyList<ConfigFault> errors) =>
        new(StatusCodes.Status422UnprocessableEntity, "invalid-request", "The request is not valid.", string.Join(' ', errors))
        {
            Errors = errors,
        };

    public static Problem RunNotFound(string id) =>
        new(StatusCodes.Status404NotFound, "run-not-found", "There is no such run.",
            $"There is no run '{id}'. Runs past their retention are purged; the answer to POST /api/jobs/run names the id.");

    public static Problem JobNotFound(string detail) =>
        new(StatusCodes.Status404NotFound, "job-not-found", "There is no such job.", detail);

    /// <summary>Somebody else was faster.</summary>
    public static Problem Stale(string detail) =>
        new(StatusCodes.Status412PreconditionFailed, "version-changed", "It has changed meanwhile.", detail);

    public static Problem DatabaseDown { get; } =
        new(StatusCodes.Status503ServiceUnavailable, "database-unavailable", "The database does not answer.",
            "Nothing is known to have been done. Try again; with an Idempotency-Key a repeated request makes no second run.")
        {
            RetryAfter = TimeSpan.FromSeconds(5),
        };

    /// <summary>What routing and the server refuse without a body of their own.</summary>
    public static Problem OfStatus(HttpRequest request, int status) => status switch
    {
        StatusCodes.Status404NotFound => new(status, "not-found", "There is no such address.", $"There is nothing at {Shown.Shorten(request.Path)}."),
        StatusCodes.Status405MethodNotAllowed => new(status, "method-not-allowed", "The method is not allowed here.",
            $"{request.Method} is not allowed at {Shown.Shorten(request.Path)}; the header Allow names what is."),
        _ => new(status, $"http-{status}", ReasonPhrases.GetReasonPhrase(status), "The request does not have the form that HTTP gives it."),
    };

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        if (RetryAfter is { } wait)
            httpContext.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (httpContext.Request.Path.StartsWithSegments("/admin") && AccessAnswers.WantsPage(httpContext.Request))
            return AdminPage.Show<ProblemPage>(new { Title, Detail, Errors = Errors ?? [], TraceId }, Status).ExecuteAsync(httpContext);
        var body = new ProblemDetails { Type = $"urn:jobplatform:problem:{Name}", Title = Title, Status = Status, Detail = Detail };
        if (Errors is not null) body.Extensions["errors"] = Errors;
        if (TraceId is not null) body.Extensions["trace_id"] = TraceId;
        var response = httpContext.Response;
        response.StatusCode = Status;
        return response.WriteAsJsonAsync(body, ApiJson.Options, "application/problem+json", httpContext.RequestAborted);
    }
}
