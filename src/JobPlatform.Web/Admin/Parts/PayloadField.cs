using System.Text;
using System.Text.Json;
using JobPlatform.Core.Handlers;
using JobPlatform.Web.Api;

namespace JobPlatform.Web.Admin.Parts;

/// <summary>A field of a form that holds a JSON object.</summary>
internal static class PayloadField
{
    /// <summary>The object; null for an empty field; or why it is none.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="field">Its name, for the fault.</param>
    public static (JsonElement? Value, ConfigFault? Fault) Read(string? text, string field = "payload")
    {
        if (string.IsNullOrWhiteSpace(text)) return (null, null);
        var faults = JsonBody.Parse(Encoding.UTF8.GetBytes(text), "{\"days_to_keep\": 7}", out var value);
        return faults.Count == 0 ? (value, null) : (null, new(field, string.Join(' ', faults)));
    }
}
