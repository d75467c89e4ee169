using System.Text.Json;
using JobPlatform.Core;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Api;

/// <summary>How answers are written.</summary>
internal static class ApiJson
{
    public static JsonSerializerOptions Options => PlatformJson.DeepOptions;

    public static IResult Answer<T>(T value, int status = StatusCodes.Status200OK) =>
        Results.Json(value, Options, statusCode: status);
}
