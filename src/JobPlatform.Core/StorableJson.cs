using System.Globalization;
using System.Text.Json;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Core;

/// <summary>What is JSON by its grammar but holds no text or number that PostgreSQL and .NET can keep.</summary>
public static class StorableJson
{
    /// <summary>How deep JSON from outside may be nested.</summary>
    public const int DeepestLevel = 32;

    private const int LongestNumber = 64;
    private const int LargestExponent = 324;
    private const int LongestShownName = 60;

    /// <summary>All values that cannot be kept, each under the name of the top-level field that holds it.</summary>
    /// <exception cref="JsonException">It is no JSON, or nested deeper than <see cref="DeepestLevel"/>.</exception>
    public static List<ConfigFault> FindFaults(ReadOnlySpan<byte> json)
    {
        var faults = new List<ConfigFault>();
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DeepestLevel });
        var field = "";
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
            {
                var text = TryGetText(ref reader);
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                    field = text is { Length: > LongestShownName } ? text[..LongestShownName] + "…" : text ?? "";
                if (text is null)
                    faults.Add(new(field, "it holds a text that is not Unicode: bytes that are not UTF-8, or half a surrogate pair. Send whole characters."));
                else if (text.Contains('\0'))
                    faults.Add(new(field, "the character U+0000 cannot be stored; leave it out."));
            }
            else if (reader.TokenType == JsonTokenType.Number && !IsStorable(ref reader))
            {
                faults.Add(new(field, $"it holds a number of more than {LongestNumber} characters or beyond 1.8e308. Send such a number as a text."));
            }
        }
        return faults;
    }

    // PostgreSQL writes out every place of a number: a short one with a great exponent would fill megabytes or fail.
    private static bool IsStorable(ref Utf8JsonReader reader)
    {
        var text = reader.ValueSpan;
        if (text.Length > LongestNumber || !reader.TryGetDouble(out var number) || !double.IsFinite(number)) return false;
        var mark = text.IndexOfAny((byte)'e', (byte)'E');
        return mark < 0 || (int.TryParse(text[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent)
            && exponent is >= -LargestExponent and <= LargestExponent);
    }

    private static string? TryGetText(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
