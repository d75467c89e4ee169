using System.Text;
using JobPlatform.Core;

namespace JobPlatform.Web.Admin.Search;

/// <summary>
/// What was typed into a search field: <c>status:failed handler:sync-stripe two words text:"in quotes"</c>. Immutable.
/// </summary>
/// <param name="Values">What stands behind each key.</param>
/// <param name="Words">What has no key, joined by blanks; null for nothing.</param>
/// <param name="Faults">What could not be understood, each a sentence.</param>
public sealed record SearchText(IReadOnlyDictionary<string, string> Values, string? Words, IReadOnlyList<string> Faults)
{
    private const int Longest = 300;

    /// <summary>Reads it.</summary>
    /// <param name="text">What was typed; null for nothing.</param>
    /// <param name="keys">The keys that there are.</param>
    public static SearchText Parse(string? text, IReadOnlyCollection<string> keys)
    {
        var (values, words, faults) = (new Dictionary<string, string>(StringComparer.Ordinal), new List<string>(), new List<string>());
        if (text is { Length: > Longest }) return new(values, null, [$"The search has {text.Length} characters, and takes {Longest}."]);
        foreach (var (key, value) in Split((text ?? "").Replace('\0', ' ')))
        {
            if (key is null) words.Add(value);
            else if (!keys.Contains(key)) faults.Add($"{key}: there is no such filter.{Suggestion.For(key, keys)} Known: {string.Join(", ", keys)}.");
            else if (value.Length == 0) faults.Add($"{key}: the value behind the colon is missing.");
            else if (!values.TryAdd(key, value)) faults.Add($"{key}: it is there twice. One value each.");
        }
        return new(values, words.Count == 0 ? null : string.Join(' ', words), faults);
    }

    /// <summary>The text of a search with one value set, or, with null, taken out.</summary>
    public static string With(string? text, string key, string? value)
    {
        var parts = Split(text ?? "").Where(part => part.Key != key).Select(part => Write(part.Key, part.Value)).ToList();
        if (value is not null) parts.Insert(0, Write(key, value));
        return string.Join(' ', parts);
    }

    private static string Write(string? key, string value)
    {
        var quoted = value.Length == 0 || value.Any(char.IsWhiteSpace) ? $"\"{value}\"" : value;
        return key is null ? quoted : $"{key}:{quoted}";
    }

    // A quote begins a part or follows its colon, and holds blanks together; one that is not closed ends with the text.
    private static IEnumerable<(string? Key, string Value)> Split(string text)
    {
        var at = 0;
        while (at < text.Length)
        {
            if (char.IsWhiteSpace(text[at]))
            {
                at++;
                continue;
            }
            string? key = null;
            var part = new StringBuilder();
            while (at < text.Length && !char.IsWhiteSpace(text[at]))
            {
                if (text[at] == '"' && part.Length == 0)
                {
                    var end = text.IndexOf('"', at + 1);
                    part.Append(text, at + 1, (end < 0 ? text.Length : end) - at - 1);
                    at = end < 0 ? text.Length : end + 1;
                    break;
                }
                if (text[at] == ':' && key is null && part.Length > 0 && part.ToString() is var name && name.All(c => char.IsAsciiLetterLower(c) || c == '_'))
                {
                    key = name;
                    part.Clear();
                }
                else
                {
                    part.Append(text[at]);
                }
                at++;
            }
            yield return (key, part.ToString());
        }
    }
}
