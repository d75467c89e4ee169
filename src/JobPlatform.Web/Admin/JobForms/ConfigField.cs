using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core;

namespace JobPlatform.Web.Admin.JobForms;

/// <summary>How a field of a config is typed in.</summary>
public enum ConfigFieldKind
{
    /// <summary>A line of text.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary>Yes, no, or the default.</summary>
    Flag,

    /// <summary>One of some words.</summary>
    Choice,

    /// <summary>A list or an object, as JSON.</summary>
    Json,
}

/// <summary>A field of a handler's config, as its JSON Schema tells. Immutable.</summary>
public sealed record ConfigField
{
    private const int LongestNumber = 15;

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>How it is typed in.</summary>
    public required ConfigFieldKind Kind { get; init; }

    /// <summary>What it is for.</summary>
    public string? Description { get; init; }

    /// <summary>What holds when it is left empty; null where nothing does.</summary>
    public string? Default { get; init; }

    /// <summary>Which numbers, such as "1 to 1000"; null for any.</summary>
    public string? Range { get; init; }

    /// <summary>The words of a choice.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>The fields of a schema.</summary>
    internal static IReadOnlyList<ConfigField> Of(JsonNode schema) => schema["properties"] is not JsonObject properties ? []
        : [.. properties.Where(property => property.Value is JsonObject).Select(property => Of(property.Key, property.Value!.AsObject()))];

    /// <summary>What was typed as JSON; what cannot be read stays a text, which the check of the config then names.</summary>
    internal JsonNode? Read(string typed) => Kind switch
    {
        ConfigFieldKind.Flag when bool.TryParse(typed, out var flag) => JsonValue.Create(flag),
        ConfigFieldKind.Number when long.TryParse(typed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => JsonValue.Create(whole),
        ConfigFieldKind.Number when decimal.TryParse(typed, NumberStyles.Number, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        ConfigFieldKind.Json => ReadJson(typed),
        _ => JsonValue.Create(typed),
    };

    /// <summary>A value as it is typed.</summary>
    internal static string Write(JsonNode? value) => value switch
    {
        null => "",
        JsonValue text when text.GetValueKind() == JsonValueKind.String => text.GetValue<string>(),
        _ => value.ToJsonString(PlatformJson.DeepOptions),
    };

    private static ConfigField Of(string name, JsonObject schema)
    {
        // A nullable field has two types.
        var type = schema["type"] is JsonArray several ? several.Select(one => one?.GetValue<string>()).FirstOrDefault(one => one != "null") : schema["type"]?.GetValue<string>();
        var choices = schema["enum"] is JsonArray words ? words.OfType<JsonValue>().Select(word => word.ToString()).ToList() : [];
        return new()
        {
            Name = name,
            Kind = choices.Count > 0 ? ConfigFieldKind.Choice : type switch
            {
                "string" => ConfigFieldKind.Text,
                "integer" or "number" => ConfigFieldKind.Number,
                "boolean" => ConfigFieldKind.Flag,
                _ => ConfigFieldKind.Json,
            },
            Description = schema["description"]?.GetValue<string>(),
            Default = schema["default"] is { } value ? Write(value) : null,
            Range = RangeOf(schema["minimum"]?.ToJsonString(), schema["maximum"]?.ToJsonString()),
            Choices = choices,
        };
    }

    // A greatest value of more digits is that of the type, and tells nobody anything.
    private static string? RangeOf(string? least, string? most) => (least, most) switch
    {
        (null, _) => null,
        (_, { Length: <= LongestNumber }) => $"{least} to {most}",
        _ => $"{least} or more",
    };

    private static JsonNode? ReadJson(string typed)
    {
        try
        {
            return JsonNode.Parse(typed, documentOptions: new() { MaxDepth = StorableJson.DeepestLevel, AllowDuplicateProperties = false });
        }
        catch (JsonException)
        {
            return JsonValue.Create(typed);
        }
    }
}
