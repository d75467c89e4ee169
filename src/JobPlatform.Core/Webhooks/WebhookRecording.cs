using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core.Outgoing;
using JobPlatform.Core.Settings;

namespace JobPlatform.Core.Webhooks;

/// <summary>What is kept of a receiver's answer: its status and up to 64 KiB of its body, JSON as JSON, text as text,
/// without the secrets that it was called with. Immutable, thread-safe.</summary>
/// <param name="secrets">All forms of the secrets that an answer may repeat.</param>
internal sealed class WebhookRecording(IEnumerable<string> secrets)
{
    /// <summary>The most that is kept of a body, in bytes.</summary>
    public const int MostKept = 64 * 1024;

    /// <summary>What is to be read: a secret that begins before the limit is whole in it, and so found. More than six times
    /// the longest secret, which HTML can make of one.</summary>
    public const int MostRead = MostKept + Margin;

    private const int Margin = 8 * 1024;
    private const int LongestExcerpt = 300;
    // The body lies a level deeper in the output than by itself.
    private const int DeepestLevel = StorableJson.DeepestLevel - 1;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly SecretRedactor _redactor = new(secrets.SelectMany(FormsOf));

    /// <summary>A text without the secrets.</summary>
    public string Redact(string text) => _redactor.Redact(text);

    /// <summary>The output of a run: <c>status</c>, and of a body <c>body</c> (JSON or text), or for one that is neither
    /// <c>media_type</c> and <c>bytes</c>; <c>truncated</c> where only its beginning is kept.</summary>
    public JsonElement Record(OutgoingAnswer answer)
    {
        var output = new JsonObject { ["status"] = answer.Status };
        var isTruncated = answer.IsTruncated || answer.Body.Length > MostKept;
        if (!isTruncated && IsJson(answer)) output["body"] = JsonNode.Parse(answer.Body.Span);
        else if (TryReadText(answer) is { } text)
        {
            if (text.Length > 0) output["body"] = isTruncated ? Cut(Redact(text), answer.IsTruncated) : text;
        }
        else
        {
            output["media_type"] = answer.MediaType;
            output["bytes"] = answer.Body.Length;
        }
        if (isTruncated) output["truncated"] = true;
        return JsonElement.Parse(_redactor.RedactJson(output.ToJsonString(PlatformJson.Options)));
    }

    /// <summary>The beginning of a text answer on one line, for an error's message; empty when there is none.</summary>
    public string Excerpt(OutgoingAnswer answer)
    {
        if (TryReadText(answer) is not { } text) return "";
        var line = string.Join(' ', Redact(text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        // A secret that was cut where reading ended lies far behind the excerpt.
        return StorableText.Clean(line, LongestExcerpt);
    }

    // A secret that was cut where reading ended is not found; it lies within the margin.
    private static string Cut(string text, bool isEndUnread)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var kept = Math.Min(MostKept, isEndUnread ? bytes.Length - Margin : bytes.Length);
        // Not within a character.
        while (kept > 0 && kept < bytes.Length && (bytes[kept] & 0xC0) == 0x80) kept--;
        return Encoding.UTF8.GetString(bytes, 0, Math.Max(kept, 0));
    }

    private static bool IsJson(OutgoingAnswer answer)
    {
        if (answer.MediaType?.EndsWith("json", StringComparison.OrdinalIgnoreCase) != true) return false;
        try
        {
            using var document = JsonDocument.Parse(answer.Body, new JsonDocumentOptions { MaxDepth = DeepestLevel, AllowDuplicateProperties = false });
            return StorableJson.FindFaults(answer.Body.Span).Count == 0;
        }
        catch (JsonException)
        {
            // Then it is kept as text.
            return false;
        }
    }

    /// <returns>Null when it is no text: not UTF-8, or with control characters.</returns>
    private static string? TryReadText(OutgoingAnswer answer)
    {
        var bytes = answer.Body.Span;
        if (answer.IsTruncated) bytes = bytes[..EndOfLastCharacter(bytes)];
        try
        {
            var text = Strict.GetString(bytes);
            return text.Any(letter => char.IsControl(letter) && letter is not ('\t' or '\r' or '\n')) ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static int EndOfLastCharacter(ReadOnlySpan<byte> bytes)
    {
        var start = bytes.Length;
        for (var back = 1; back <= 4 && back <= bytes.Length; back++)
        {
            if ((bytes[^back] & 0xC0) == 0x80) continue;
            start = bytes.Length - back;
            break;
        }
        return Rune.DecodeFromUtf8(bytes[start..], out _, out var length) == System.Buffers.OperationStatus.Done ? start + length : start;
    }

    private static IEnumerable<string> FormsOf(string secret) =>
    [
        secret, Uri.EscapeDataString(secret), WebUtility.HtmlEncode(secret), JsonEncodedText.Encode(secret).Value,
        JsonEncodedText.Encode(secret, PlatformJson.Options.Encoder).Value,
    ];
}
