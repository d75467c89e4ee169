using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace JobPlatform.Core.Blobs;

/// <summary>
/// The place of a blob in its store: names with slashes between them, such as <c>chats/5/plan.pdf</c>. It cannot be
/// anything that some store, or some way of decoding it, would take for a place outside: what is doubtful is refused.
/// Immutable.
/// </summary>
public readonly record struct BlobPath
{
    private const int Longest = 1024;

    private BlobPath(string value) => Value = value;

    /// <summary>The text.</summary>
    public string Value { get; }

    /// <summary>Reads a path; the fault says what is wrong with it.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out BlobPath path, [NotNullWhen(false)] out string? fault)
    {
        path = default;
        fault = FindFault(text);
        if (fault is not null) return false;
        path = new(text!);
        return true;
    }

    /// <summary>The folder of a row, such as <c>chats/5</c>.</summary>
    /// <param name="table">A plain word.</param>
    /// <param name="id">The row's key.</param>
    public static BlobPath Of(string table, long id) => new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{table}/{id}"));

    /// <inheritdoc/>
    public override string ToString() => Value;

    private static string? FindFault(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "a blob's path is empty.";
        if (Encoding.UTF8.GetByteCount(text) > Longest) return $"a blob's path has more than {Longest} bytes.";
        var shown = text.Length <= 100 ? text : text[..100] + "…";
        if (text.Any(letter => char.IsControl(letter) || char.IsSurrogate(letter) && !IsPaired(text))) return "a blob's path holds control characters or half characters.";
        foreach (var name in text.Split('/'))
            // As it is, and as it would read after a careless decoder or after look-alikes are made plain.
            foreach (var reading in new[] { name, Uri.UnescapeDataString(name), Uri.UnescapeDataString(Uri.UnescapeDataString(name)) })
                if (FindFaultOfName(reading.Normalize(NormalizationForm.FormKC)) is { } fault)
                    return $"'{shown}' is no path of a blob: {fault}";
        return null;
    }

    private static string? FindFaultOfName(string name) => name switch
    {
        "" => "a name is empty, as at a slash in front, at the end, or twice.",
        "." or ".." => "it goes to another folder.",
        _ when name.AsSpan().IndexOfAny('/', '\\', '\0') >= 0 => "a name hides a slash or a zero byte.",
        _ when name.Contains(':', StringComparison.Ordinal) => "a colon names drives and streams of files.",
        _ when name[^1] is ' ' or '.' || name[0] == ' ' => "a name begins or ends with a blank, or ends with a dot, which some systems drop.",
        _ => null,
    };

    private static bool IsPaired(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return false;
            i++;
        }
        return true;
    }
}
