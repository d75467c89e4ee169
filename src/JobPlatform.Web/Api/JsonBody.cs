using System.Buffers;
using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Handlers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace JobPlatform.Web.Api;

/// <summary>Reads bodies: JSON objects of bounded size and depth, without a field twice and without what cannot be stored.</summary>
internal static class JsonBody
{
    private const int MostBytes = 64 * 1024;
    private static readonly JsonElement Nothing = JsonElement.Parse("{}");

    /// <summary>The object; or the refusal.</summary>
    /// <param name="request">The request.</param>
    /// <param name="example">What a body may look like.</param>
    /// <param name="isOptional">True where a request without a body means an empty object.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static async Task<(JsonElement Body, Problem? Refusal)> ReadAsync(
        HttpRequest request, string example, bool isOptional = false, CancellationToken cancellation = default)
    {
        if (isOptional && request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return (Nothing, null);
        if (FindMediaTypeFault(request) is { } fault)
            return (default, new(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", "The body's media type is not supported.", fault));
        if (await ReadBytesAsync(request, cancellation) is not { } bytes)
            return (default, new(StatusCodes.Status413PayloadTooLarge, "body-too-large", "The body is too large.",
                $"The body has more than {MostBytes} bytes. Store what is large elsewhere and give its address."));
        return Parse(bytes, example, out var body) is { Count: > 0 } faults ? (default, Problem.Invalid(faults)) : (body, null);
    }

    /// <summary>The object, read field by field as <see cref="ConfigReader"/> does; or the refusal.</summary>
    public static async Task<(T? Value, JsonElement Body, Problem? Refusal)> ReadAsync<T>(
        HttpRequest request, string example, bool isOptional = false, CancellationToken cancellation = default) where T : class
    {
        var (body, refusal) = await ReadAsync(request, example, isOptional, cancellation);
        if (refusal is not null) return (null, body, refusal);
        var (value, faults) = ConfigReader.Read(typeof(T), Nothing, body);
        return faults.Count > 0 ? (null, body, Problem.Invalid(faults)) : ((T)value!, body, null);
    }

    /// <summary>Reads an object, or says what is wrong with it.</summary>
    public static List<ConfigFault> Parse(byte[] json, string example, out JsonElement body)
    {
        body = default;
        if (json.Length == 0) return [new("", $"The body is empty. Send a JSON object such as {example}.")];
        try
        {
            if (StorableJson.FindFaults(json) is { Count: > 0 } unusable) return unusable;
            body = JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = StorableJson.DeepestLevel, AllowDuplicateProperties = false });
            return body.ValueKind == JsonValueKind.Object ? [] : [new("", $"{Shown.Shorten(body.GetRawText())} is not an object such as {example}.")];
        }
        catch (JsonException e)
        {
            return [new("", $"The body cannot be read: {e.Message} Send JSON of at most {StorableJson.DeepestLevel} levels, no field twice.")];
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
    private static async Task<byte[]?> ReadBytesAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > MostBytes) return null;
        var read = await request.BodyReader.ReadAtLeastAsync(MostBytes + 1, cancellation);
        var body = read.Buffer.Length > MostBytes ? null : read.Buffer.ToArray();
        request.BodyReader.AdvanceTo(read.Buffer.End);
        return body;
    }
}
