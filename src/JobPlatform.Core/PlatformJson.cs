using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace JobPlatform.Core;

/// <summary>How the platform writes and reads JSON: snake_case, enums as words, nothing unknown, nothing twice.</summary>
public static class PlatformJson
{
    /// <summary>The one set of options; read-only.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>
    /// The same for writing what is stored already: deeper than what a request may hold, as handlers and SQL store what
    /// was never measured, and as it is some levels down in what is written.
    /// </summary>
    public static JsonSerializerOptions DeepOptions { get; } = new(Options) { MaxDepth = 1000 };

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Strict)
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DictionaryKeyPolicy = null,
            // Umlauts stay readable; output is never put into HTML unescaped.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = 32,
            RespectRequiredConstructorParameters = true,
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
            TypeInfoResolver = new System.Text.Json.Serialization.Metadata.DefaultJsonTypeInfoResolver(),
        };
        options.MakeReadOnly();
        return options;
    }
}
