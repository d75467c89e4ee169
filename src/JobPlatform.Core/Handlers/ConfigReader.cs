using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;

namespace JobPlatform.Core.Handlers;

/// <summary>One thing that is wrong with a config or a payload.</summary>
/// <param name="Field">The field's name in JSON; empty for the object itself.</param>
/// <param name="Message">A sentence with the value and what would be right.</param>
public sealed record ConfigFault(string Field, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => Field.Length == 0 ? Message : $"{Field}: {Message}";
}

/// <summary>
/// Reads a handler's config: the job's config with the run's payload laid over it, key by key, checked against the
/// config record. All faults are found at once. Thread-safe.
/// </summary>
public static class ConfigReader
{
    private const int LongestShownValue = 60;

    /// <summary>Reads and validates. On success the list is empty and the config is set.</summary>
    public static (object? Config, IReadOnlyList<ConfigFault> Faults) Read(Type configType, JsonElement config, JsonElement? payload)
    {
        var merged = Merge(config, payload);
        var type = PlatformJson.Options.GetTypeInfo(configType);
        var faults = new List<ConfigFault>();
        foreach (var (name, value) in merged) CheckField(type, name, value, faults);
        if (faults.Count > 0) return (null, faults);

        var read = merged.Deserialize(type)!;
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(read, new ValidationContext(read), results, validateAllProperties: true);
        foreach (var result in results)
        {
            var member = result.MemberNames.FirstOrDefault() ?? "";
            var field = JsonNamingPolicy.SnakeCaseLower.ConvertName(member);
            var value = member.Length == 0 ? null : configType.GetProperty(member)?.GetValue(read);
            var shown = value is null ? "missing" : Shorten(JsonSerializer.Serialize(value, PlatformJson.Options));
            faults.Add(new(field, $"{shown} is not allowed. {result.ErrorMessage?.Replace(member, field, StringComparison.Ordinal)}"));
        }
        return faults.Count > 0 ? (null, faults) : (read, faults);
    }

    /// <summary>The JSON Schema (2020-12) of a config record, with its defaults, ranges and descriptions.</summary>
    public static JsonNode Schema(Type configType)
    {
        var defaults = Activator.CreateInstance(configType)!;
        return PlatformJson.Options.GetJsonSchemaAsNode(configType, new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = (context, schema) =>
            {
                if (schema is not JsonObject node) return schema;
                if (context.TypeInfo.Type == configType && context.PropertyInfo is null) node["additionalProperties"] = false;
                var property = context.PropertyInfo?.AttributeProvider as MemberInfo;
                if (property is null) return node;
                if (property.GetCustomAttribute<DescriptionAttribute>() is { } description) node["description"] = description.Description;
                if (property.GetCustomAttribute<RangeAttribute>() is { } range)
                {
                    node["minimum"] = JsonValue.Create(Convert.ToDecimal(range.Minimum, System.Globalization.CultureInfo.InvariantCulture));
                    node["maximum"] = JsonValue.Create(Convert.ToDecimal(range.Maximum, System.Globalization.CultureInfo.InvariantCulture));
                }
                if (property.DeclaringType == configType && property is PropertyInfo { CanRead: true } readable
                    && readable.GetValue(defaults) is { } value)
                    node["default"] = JsonSerializer.SerializeToNode(value, readable.PropertyType, PlatformJson.Options);
                return node;
            },
        });
    }

    /// <summary>The config with the payload's keys in place of its own.</summary>
    public static JsonObject Merge(JsonElement config, JsonElement? payload)
    {
        var merged = JsonObject.Create(config) ?? [];
        if (payload is { ValueKind: JsonValueKind.Object } given)
            foreach (var property in given.EnumerateObject())
                merged[property.Name] = property.Value.ValueKind == JsonValueKind.Null ? null : JsonNode.Parse(property.Value.GetRawText());
        return merged;
    }

    private static void CheckField(JsonTypeInfo type, string name, JsonNode? value, List<ConfigFault> faults)
    {
        var property = type.Properties.FirstOrDefault(p => p.Name == name);
        if (property is null)
        {
            var known = type.Properties.Select(p => p.Name).ToList();
            faults.Add(new(name, known.Count == 0
                ? "this handler takes no config."
                : $"there is no such field.{Suggestion.For(name, known)} Known: {string.Join(", ", known)}."));
            return;
        }
        try
        {
            value.Deserialize(property.PropertyType, PlatformJson.Options);
            if (value is null && Nullable.GetUnderlyingType(property.PropertyType) is null && !property.IsSetNullable)
                faults.Add(new(name, $"null is not {Kind(property.PropertyType)}."));
        }
        catch (JsonException)
        {
            faults.Add(new(name, $"{Shorten(value?.ToJsonString(PlatformJson.Options) ?? "null")} is not {Kind(property.PropertyType)}."));
        }
    }

    private static string Kind(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(bool)) return "true or false";
        if (type == typeof(int) || type == typeof(long)) return "a whole number";
        if (type == typeof(double) || type == typeof(decimal)) return "a number";
        if (type == typeof(string)) return "a text";
        if (type == typeof(DateTimeOffset)) return "a time such as 2026-01-31T08:00:00Z";
        if (type == typeof(DateOnly)) return "a date such as 2026-01-31";
        if (type.IsEnum) return $"one of {string.Join(", ", Enum.GetNames(type).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName))}";
        return type.IsArray || typeof(System.Collections.IEnumerable).IsAssignableFrom(type) ? "a list of the right kind" : "an object of the right shape";
    }

    private static string Shorten(string text) => text.Length <= LongestShownValue ? text : text[..LongestShownValue] + "…";
}
