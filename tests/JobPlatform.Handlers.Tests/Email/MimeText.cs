using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace JobPlatform.Handlers.Tests.Email;

/// <summary>A mail or a part of one, read back as a mail program does (RFC 2045, 2046, 2047).</summary>
internal sealed partial record MimeText(Dictionary<string, string> Headers, string Type, string Body, IReadOnlyList<MimeText> Parts)
{
    public static MimeText Parse(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var raw = text[..end].Replace("\r\n ", " ", StringComparison.Ordinal).Split("\r\n").Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        var content = text[(end + 4)..];
        var headers = raw.ToDictionary(pair => pair.Key, pair => DecodeWords(pair.Value));
        var type = raw["Content-Type"].Split(';')[0];
        if (type.StartsWith("multipart/", StringComparison.Ordinal))
        {
            var boundary = BoundaryOf().Match(raw["Content-Type"]).Groups[1].Value;
            var pieces = ("\r\n" + content).Split($"\r\n--{boundary}");
            Assert.That(pieces[^1], Is.EqualTo("--\r\n"), "the last boundary closes the mail");
            return new(headers, type, "", [.. pieces[1..^1].Select(piece => Parse(piece[2..]))]);
        }
        // The line break before a boundary belongs to the boundary; a mail of one part ends with one of its own.
        if (content.EndsWith("\r\n", StringComparison.Ordinal) && raw.ContainsKey("MIME-Version")) content = content[..^2];
        var bytes = raw["Content-Transfer-Encoding"] switch
        {
            "base64" => Convert.FromBase64String(content),
            "quoted-printable" => FromQuotedPrintable(content),
            var other => throw new InvalidOperationException(other),
        };
        return new(headers, type, Encoding.UTF8.GetString(bytes).Replace("\r\n", "\n", StringComparison.Ordinal), []);
    }

    private static byte[] FromQuotedPrintable(string text)
    {
        Assert.That(TrailingBlank().IsMatch(text), Is.False, "blanks at the end of a line do not survive");
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '=') bytes.Add((byte)text[i]);
            else if (text[i + 1] == '\r') i += 2;
            else
            {
                bytes.Add(byte.Parse(text.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 2;
            }
        }
        return [.. bytes];
    }

    // Blanks between two encoded words are not part of the text; each word must be whole characters by itself.
    private static string DecodeWords(string value) => EncodedWord().Replace(BetweenWords().Replace(value, "?="), match =>
    {
        Assert.That(match.Length, Is.LessThanOrEqualTo(75));
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Convert.FromBase64String(match.Groups[1].Value));
    });

    [GeneratedRegex("boundary=\"([^\"]+)\"")]
    private static partial Regex BoundaryOf();

    [GeneratedRegex(@"[ \t](\r\n|$)")]
    private static partial Regex TrailingBlank();

    [GeneratedRegex(@"\?=\s+(?==\?)")]
    private static partial Regex BetweenWords();

    [GeneratedRegex(@"=\?utf-8\?B\?([A-Za-z0-9+/=]*)\?=")]
    private static partial Regex EncodedWord();
}
