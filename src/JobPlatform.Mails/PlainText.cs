using System.Net;
using System.Text;

namespace JobPlatform.Mails;

/// <summary>The text part of a mail: the words of its HTML, which is the platform's own and well-formed.</summary>
internal static class PlainText
{
    /// <summary>Paragraphs apart by an empty line, cells of a row by a colon, links with their address where it is not their text.</summary>
    public static string Of(string html)
    {
        var text = new StringBuilder();
        var (position, isHidden) = (0, false);
        string? link = null;
        var linkStart = 0;
        while (position < html.Length)
        {
            var open = html.IndexOf('<', position);
            var end = open < 0 ? html.Length : open;
            if (!isHidden) Append(text, html[position..end]);
            if (open < 0) break;
            var close = html.IndexOf('>', open);
            var tag = html[(open + 1)..close];
            var name = tag.Split([' ', '/'], 2, StringSplitOptions.RemoveEmptyEntries)[0].ToLowerInvariant();
            var isEnd = tag.StartsWith('/');
            switch (name)
            {
                case "head": isHidden = !isEnd; break;
                case "p" or "h1" or "table" or "div" when isEnd: Break(text, 2); break;
                case "tr" when isEnd: Break(text, 1); break;
                case "th" when isEnd: text.Append(": "); break;
                case "a" when !isEnd: (link, linkStart) = (Attribute(tag, "href"), text.Length); break;
                case "a":
                    if (link is not null && text.ToString(linkStart, text.Length - linkStart) != link) text.Append(" (").Append(link).Append(')');
                    link = null;
                    break;
            }
            position = close + 1;
        }
        return text.ToString().Trim() + "\n";
    }

    // White space of the source is one space, and none at the beginning of a line.
    private static void Append(StringBuilder text, string html)
    {
        var words = WebUtility.HtmlDecode(html).Split([' ', '\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) return;
        if (char.IsWhiteSpace(html[0]) && text.Length > 0 && !char.IsWhiteSpace(text[^1])) text.Append(' ');
        text.AppendJoin(' ', words);
        if (char.IsWhiteSpace(html[^1])) text.Append(' ');
    }

    private static void Break(StringBuilder text, int lines)
    {
        while (text.Length > 0 && text[^1] is ' ') text.Length--;
        var there = 0;
        while (there < text.Length && there < lines && text[^(there + 1)] == '\n') there++;
        if (text.Length > 0) text.Append('\n', lines - there);
    }

    private static string? Attribute(string tag, string name)
    {
        var start = tag.IndexOf($"{name}=\"", StringComparison.OrdinalIgnoreCase);
        if (start < 0) return null;
        start += name.Length + 2;
        return WebUtility.HtmlDecode(tag[start..tag.IndexOf('"', start)]);
    }
}
