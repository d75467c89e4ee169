using System.Text.Json;
using JobPlatform.Core;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Api;

/// <summary>How answers are written.</summary>
internal static class ApiJson
{
    // Deeper than what a request may hold (32): outputs and payloads that handlers and SQL stored are one level down
    // in an answer, and were never measured.
    private const int DeepestAnswer = 1000;

    public static JsonSerializerOptions Options { get; } = new(PlatformJson.Options) { MaxDepth = DeepestAnswer };

    public static IResult Answer<T>(T value, int status = StatusCodes.Status200OK) =>
        Results.Json(value, Options, statusCode: status);
}
