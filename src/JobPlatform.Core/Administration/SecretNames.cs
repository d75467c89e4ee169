using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace JobPlatform.Core.Administration;

/// <summary>
/// Masks what its name or its form tells to be a secret: the values of webhooks and configs are not among the settings,
/// which <see cref="Settings.SecretRedactor"/> knows.
/// </summary>
internal static partial class SecretNames
{
    private const string Masked = "[secret]";

    /// <summary>The JSON with such values replaced; flags and nulls stay, as they tell only that there is one.</summary>
    public static JsonNode? Mask(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key,
            IsSecret(member.Key) && !IsFlag(member.Value) ? JsonValue.Create(Masked) : Mask(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Mask)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(Credentials().Replace(value.GetValue<string>(), $"://{Masked}@")),
        _ => node?.DeepClone(),
    };

    private static bool IsFlag(JsonNode? value) => value is null || value.GetValueKind() is JsonValueKind.True or JsonValueKind.False;

    private static bool IsSecret(string name) => Name().IsMatch(name);

    [GeneratedRegex("password|secret|token|authorization|api[_-]?key|credential|cookie", RegexOptions.IgnoreCase)]
    private static partial Regex Name();

    // https://user:password@host
    [GeneratedRegex(@"://[^/\s@]+@")]
    private static partial Regex Credentials();
}
