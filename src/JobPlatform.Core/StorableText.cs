using System.Text;

namespace JobPlatform.Core;

/// <summary>Text that comes from handlers, made fit for PostgreSQL, which takes whole characters only and no U+0000.</summary>
public static class StorableText
{
    /// <summary>
    /// The text with U+FFFD in place of halves of surrogate pairs and of U+0000; what is longer than
    /// <paramref name="limit"/> characters is cut between two characters and ends in an ellipsis.
    /// </summary>
    public static string Clean(string text, int limit = int.MaxValue)
    {
        if (text.Length > limit) text = string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[limit - 1]) ? limit - 1 : limit), "…");
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0 && !text.Contains('\0')) return text;
        var clean = new StringBuilder(text.Length);
        Span<char> units = stackalloc char[2];
        // The enumerator gives U+FFFD for the half of a pair.
        foreach (var rune in text.EnumerateRunes())
            clean.Append(units[..(rune.Value == 0 ? Rune.ReplacementChar : rune).EncodeToUtf16(units)]);
        return clean.ToString();
    }
}
