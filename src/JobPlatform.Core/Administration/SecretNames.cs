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
    /// <summary>What stands in place of a secret.</summary>
    public const string Masked = "[secret]";

    /// <summary>The JSON with such values replaced; flags and nulls stay, as they tell only that there is one.</summary>
    public static JsonNode? Mask(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key,
            IsSecret(member.Key) && !IsFlag(member.Value) ? JsonValue.Create(Masked) : Mask(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Mask)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(Credentials().Replace(value.GetValue<string>(), $"://{Masked}@")),
        _ => node?.DeepClone(),
    };

    /// <summary>True for the name of a field or a header that holds a secret, by what such names have in them.</summary>
    public static bool IsSecret(string name) => Name().IsMatch(name);

    /// <summary>True for the value of a header that shows who calls, whatever the header's name is, and for a masked one.</summary>
    public static bool IsCredential(string value) => value == Masked || Scheme().IsMatch(value);

    private static bool IsFlag(JsonNode? value) => value is null || value.GetValueKind() is JsonValueKind.True or JsonValueKind.False;

    // Not every key is a secret (Idempotency-Key), nor is all that has auth in it (author).
    [GeneratedRegex(
        "passw|passphrase|pwd|secret|token|authori[sz]ation|authentication|x[_-]auth(?!or)|credential|cookie|bearer|jwt|session[_-]?id|"
        + "(api|access|private|signing|account|master|shared|subscription|functions?|service|license|licence)[_-]?key",
        RegexOptions.IgnoreCase)]
    private static partial Regex Name();

    [GeneratedRegex(@"^\s*(basic|bearer|digest|negotiate|token|apikey)\s+\S", RegexOptions.IgnoreCase)]
    private static partial Regex Scheme();

    // https://user:password@host
    [GeneratedRegex(@"://[^/\s@]+@")]
    private static partial Regex Credentials();
}
