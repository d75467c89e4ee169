using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace JobPlatform.Core.Settings;

/// <summary>Masks the secrets that the settings hold, wherever a text leaves the process. Immutable, thread-safe.</summary>
/// <param name="secrets">The values; those under eight characters are left out, as they would mask ordinary words.</param>
public sealed class SecretRedactor(IEnumerable<string> secrets)
{
    private const int ShortestSecret = 8;
    private const string Mask = "[secret]";
    // Outputs may pass on JSON of others, nested deeper than what the platform's own API takes.
    private const int DeepestLevel = 1000;

    private readonly ImmutableArray<string> _secrets =
        [.. secrets.Where(secret => secret.Length >= ShortestSecret).Distinct().OrderByDescending(secret => secret.Length)];

    /// <summary>The plain text with every secret replaced by <c>[secret]</c>.</summary>
    public string Redact(string text)
    {
        foreach (var secret in _secrets)
            if (text.Contains(secret, StringComparison.Ordinal))
                text = text.Replace(secret, Mask, StringComparison.Ordinal);
        return text;
    }

    /// <summary>
    /// The JSON with every secret in its names, texts and numbers replaced, and each text made storable
    /// (<see cref="StorableText"/>). A text that no .NET string can hold becomes U+FFFD.
    /// </summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public string RedactJson(string json)
    {
        // Without an escape a text stands in the JSON as it is, so that nearly every output is done here.
        if (!json.Contains('\\') && !_secrets.Any(secret => json.Contains(secret, StringComparison.Ordinal))) return StorableText.Clean(json);
        var written = new ArrayBufferWriter<byte>(json.Length);
        using (var writer = new Utf8JsonWriter(written, new JsonWriterOptions { Encoder = PlatformJson.Options.Encoder, MaxDepth = DeepestLevel }))
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), new JsonReaderOptions { MaxDepth = DeepestLevel });
            while (reader.Read()) Copy(ref reader, writer);
        }
        return Encoding.UTF8.GetString(written.WrittenSpan);
    }

    private void Copy(ref Utf8JsonReader reader, Utf8JsonWriter writer)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject: writer.WriteStartObject(); break;
            case JsonTokenType.EndObject: writer.WriteEndObject(); break;
            case JsonTokenType.StartArray: writer.WriteStartArray(); break;
            case JsonTokenType.EndArray: writer.WriteEndArray(); break;
            case JsonTokenType.PropertyName: writer.WritePropertyName(Clean(ref reader)); break;
            case JsonTokenType.String: writer.WriteStringValue(Clean(ref reader)); break;
            case JsonTokenType.Number when Encoding.UTF8.GetString(reader.ValueSpan) is var number && Redact(number) != number:
                writer.WriteStringValue(Mask);
                break;
            default: writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true); break;
        }
    }

    private string Clean(ref Utf8JsonReader reader)
    {
        try
        {
            return StorableText.Clean(Redact(reader.GetString()!));
        }
        catch (InvalidOperationException)
        {
            // An escape such as \ud800 on its own: JSON by its grammar, but no text.
            return "\uFFFD";
        }
    }
}
