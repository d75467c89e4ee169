using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using JobPlatform.Core;
using JobPlatform.Core.Directories;
using JobPlatform.Core.Handlers;
using JobPlatform.Web.Admin.JobForms;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Admin.Directories;

/// <summary>
/// A directory connection as somebody types it: each field of <see cref="DirectoryDefinition"/> a text, named as in the
/// API, those of LDAP <c>ldap.base_dn</c> and so on. Its secret goes in and never comes out.
/// </summary>
public sealed class DirectoryForm : IFormText
{
    private readonly Dictionary<string, string> _values = [];

    private DirectoryForm() { }

    /// <inheritdoc/>
    public string this[string field] => _values.GetValueOrDefault(field, "");

    /// <summary>What it speaks.</summary>
    public DirectoryKind Kind { get; private init; }

    /// <summary>What was typed of the secret; null, where nothing was, keeps the stored one.</summary>
    internal string? Secret { get; private init; }

    /// <summary>The form of a connection that is there, or of one that is to be made.</summary>
    public static DirectoryForm Of(DirectoryDefinition definition)
    {
        var form = new DirectoryForm { Kind = definition.Kind };
        foreach (var (field, value) in Flatten(definition)) form._values[field] = value?.ToString() ?? "";
        return form;
    }

    /// <summary>The form as it was posted.</summary>
    /// <param name="posted">What was posted.</param>
    /// <param name="stored">The one that is changed, whose company and kind stay; null for a new one.</param>
    public static DirectoryForm Of(IFormCollection posted, DirectoryDefinition? stored)
    {
        var kind = stored?.Kind ?? (posted["kind"] == "scim" ? DirectoryKind.Scim : DirectoryKind.Ldap);
        var form = new DirectoryForm { Kind = kind, Secret = posted["secret"].ToString() is { Length: > 0 } secret ? secret : null };
        foreach (var (field, _) in Flatten(New(kind))) form._values[field] = posted[field].ToString().Trim();
        if (stored is not null) form._values["company"] = stored.Company;
        return form;
    }

    /// <summary>A connection with all defaults.</summary>
    public static DirectoryDefinition New(DirectoryKind kind) => new() { Kind = kind, Ldap = kind == DirectoryKind.Ldap ? new() : null };

    /// <summary>What it is to be, without what only the store can judge; or why it cannot be read.</summary>
    internal (DirectoryDefinition? Definition, IReadOnlyList<ConfigFault> Faults) Read()
    {
        var definition = new JsonObject();
        foreach (var (field, standard) in Flatten(New(Kind)))
            Place(definition, field, field == "kind" ? JsonValue.Create(standard!.ToString()) : ReadValue(this[field], standard));
        var (read, faults) = ConfigReader.Read(typeof(DirectoryDefinition), JsonElement.Parse("{}"), JsonSerializer.SerializeToElement(definition));
        return (read as DirectoryDefinition, faults);
    }

    // The default tells the type; what is no number goes on as it is, to be refused with its field.
    private static JsonValue? ReadValue(string text, JsonNode? standard) => standard?.GetValueKind() switch
    {
        JsonValueKind.True or JsonValueKind.False => JsonValue.Create(text == "true"),
        JsonValueKind.Number when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        null when text.Length == 0 => null,
        _ => JsonValue.Create(text),
    };

    private static IEnumerable<(string Field, JsonNode? Value)> Flatten(DirectoryDefinition definition)
    {
        foreach (var (name, value) in JsonSerializer.SerializeToNode(definition, PlatformJson.Options)!.AsObject())
            if (value is JsonObject inner)
                foreach (var (innerName, innerValue) in inner) yield return ($"{name}.{innerName}", innerValue);
            else if (name != "ldap") yield return (name, value);
    }

    private static void Place(JsonObject definition, string field, JsonNode? value)
    {
        if (field.Split('.') is not [var outer, var inner]) definition[field] = value;
        else if (definition[outer] is JsonObject there) there[inner] = value;
        else definition[outer] = new JsonObject { [inner] = value };
    }
}
