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
        var (read, faults) = ReadFields(configType, Merge(config, payload));
        faults.AddRange(FindFaultsOfValues(configType, read, faults.ConvertAll(fault => fault.Field)));
        return (faults.Count > 0 ? null : read, faults);
    }

    /// <summary>Reads the fields that can be read; the others have their defaults, and whatever is missing is missing.</summary>
    internal static object ReadWhatFits(Type configType, JsonElement config) => ReadFields(configType, Merge(config, null)).Read;

    private static (object Read, List<ConfigFault> Faults) ReadFields(Type configType, JsonObject fields)
    {
        var type = PlatformJson.Options.GetTypeInfo(configType);
        // Field by field, so that one that cannot be read does not hide what is wrong with the others' values.
        var read = Activator.CreateInstance(configType)!;
        var faults = new List<ConfigFault>();
        foreach (var (name, value) in fields)
            if (ReadField(type, read, name, value) is { } fault) faults.Add(fault);
        return (read, faults);
    }

    /// <summary>
    /// What is wrong with the config of a job. What it lacks is no fault where each run brings a payload: in a job without
    /// a schedule.
    /// </summary>
    public static IEnumerable<ConfigFault> FindFaults(Type configType, JsonElement config, bool isScheduled) =>
        Read(configType, config, null).Faults.Where(fault => isScheduled || fault.Field.Length == 0 || config.TryGetProperty(fault.Field, out _));

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
                    && !property.IsDefined(typeof(System.Runtime.CompilerServices.RequiredMemberAttribute))
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

    private static ConfigFault? ReadField(JsonTypeInfo type, object target, string name, JsonNode? value)
    {
        var fields = type.Properties.Where(property => property.Set is not null).ToList();
        if (fields.Find(field => field.Name == name) is not { } property)
            return new(name, fields.Count == 0
                ? "this handler takes no config."
                : $"there is no such field.{Suggestion.For(name, fields.Select(field => field.Name))} Known: {string.Join(", ", fields.Select(field => field.Name))}.");
        try
        {
            var read = value.Deserialize(property.PropertyType, PlatformJson.Options);
            if (value is null && Nullable.GetUnderlyingType(property.PropertyType) is null && !property.IsSetNullable)
                return new(name, $"null is not {Kind(property.PropertyType)}.");
            property.Set!(target, read);
            return null;
        }
        catch (JsonException)
        {
            return new(name, $"{Shorten(value?.ToJsonString(PlatformJson.Options) ?? "null")} is not {Kind(property.PropertyType)}.");
        }
    }

    /// <summary>What the data annotations say, apart from rules on fields that could not be read and hold their defaults.</summary>
    private static IEnumerable<ConfigFault> FindFaultsOfValues(Type configType, object read, List<string> unread)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(read, new ValidationContext(read), results, validateAllProperties: true);
        foreach (var result in results)
        {
            if (result.MemberNames.Select(JsonNamingPolicy.SnakeCaseLower.ConvertName).Any(unread.Contains)) continue;
            if (result.MemberNames.FirstOrDefault() is not { Length: > 0 } member)
            {
                yield return new("", result.ErrorMessage ?? "It is not allowed.");
                continue;
            }
            var field = JsonNamingPolicy.SnakeCaseLower.ConvertName(member);
            var value = configType.GetProperty(member)?.GetValue(read);
            var shown = value is null ? "missing" : Shorten(JsonSerializer.Serialize(value, PlatformJson.Options));
            yield return new(field, $"{shown} is not allowed. {result.ErrorMessage?.Replace(member, field, StringComparison.Ordinal)}");
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
