using System.Formats.Asn1;
using System.Globalization;
using System.Text;

namespace JobPlatform.Core.Ldap;

/// <summary>The text form of a search filter (RFC 4515), written as the protocol has it (RFC 4511). Thread-safe.</summary>
internal static class LdapFilter
{
    private const int Longest = 2000;
    private const int Deepest = 20;

    /// <summary>What is wrong with a filter, in a sentence; null when nothing is.</summary>
    public static string? FindFault(string? filter)
    {
        if (string.IsNullOrEmpty(filter) || filter.Length > Longest) return $"it is not a filter of 1 to {Longest} characters, such as (objectClass=person).";
        try
        {
            // Within another one, which asks for what has changed.
            Write(new AsnWriter(AsnEncodingRules.BER), filter, 1);
            return null;
        }
        catch (FormatException e)
        {
            return $"{e.Message} Write a filter such as (&(objectClass=person)(mail=*)).";
        }
    }

    /// <summary>Writes the filter.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static void Write(AsnWriter writer, string filter) => Write(writer, filter, 0);

    private static void Write(AsnWriter writer, string filter, int depth)
    {
        var end = WriteOne(writer, filter, 0, depth);
        if (end < filter.Length) throw new FormatException($"something follows its end at character {end + 1}.");
    }

    private static int WriteOne(AsnWriter writer, string text, int at, int depth)
    {
        if (depth > Deepest) throw new FormatException($"it is nested deeper than {Deepest} levels.");
        if (at >= text.Length || text[at] != '(') throw new FormatException($"an opening bracket is missing at character {at + 1}.");
        at++;
        if (at < text.Length && "&|!".IndexOf(text[at]) is >= 0 and var kind)
        {
            at++;
            using (writer.PushSequence(Context(kind)))
            {
                var first = at;
                while (at < text.Length && text[at] == '(' && (kind < 2 || at == first)) at = WriteOne(writer, text, at, depth + 1);
                if (kind == 2 && at == first) throw new FormatException($"what is denied is missing at character {at + 1}.");
            }
        }
        else
        {
            var end = text.AsSpan(at).IndexOfAny('(', ')');
            if (end < 0) throw new FormatException("a closing bracket is missing at its end.");
            WriteItem(writer, text.Substring(at, end));
            at += end;
        }
        return at < text.Length && text[at] == ')' ? at + 1 : throw new FormatException($"a closing bracket is missing at character {at + 1}.");
    }

    private static void WriteItem(AsnWriter writer, string item)
    {
        var equals = item.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0) throw new FormatException($"'{item}' is no comparison.");
        var (name, value) = (item[..equals], item[(equals + 1)..]);
        if (name[^1] == ':')
        {
            WriteExtensible(writer, name[..^1], value);
            return;
        }
        var kind = name[^1] switch { '>' => 5, '<' => 6, '~' => 8, _ => 3 };
        if (kind != 3) name = name[..^1];
        if (!IsName(name)) throw new FormatException($"'{name}' is no attribute's name.");
        if (kind == 3 && value == "*") writer.WriteOctetString(Encoding.UTF8.GetBytes(name), Context(7));
        else if (kind == 3 && value.Contains('*')) WriteSubstrings(writer, name, value.Split('*'));
        else
            using (writer.PushSequence(Context(kind)))
            {
                writer.WriteOctetString(Encoding.UTF8.GetBytes(name));
                writer.WriteOctetString(Unescape(value));
            }
    }

    private static void WriteSubstrings(AsnWriter writer, string name, string[] parts)
    {
        using var item = writer.PushSequence(Context(4));
        writer.WriteOctetString(Encoding.UTF8.GetBytes(name));
        using var list = writer.PushSequence();
        for (var i = 0; i < parts.Length; i++)
            if (parts[i].Length > 0) writer.WriteOctetString(Unescape(parts[i]), Context(i == 0 ? 0 : i == parts.Length - 1 ? 2 : 1));
    }

    // As in (userAccountControl:1.2.840.113556.1.4.803:=2), and (ou:dn:=people).
    private static void WriteExtensible(AsnWriter writer, string name, string value)
    {
        var parts = name.Split(':').ToList();
        var withDn = parts.Remove("dn");
        if (parts.Count > 2 || parts.Any(part => part.Length > 0 && !IsName(part)) || parts.All(part => part.Length == 0))
            throw new FormatException($"'{name}:=' is no comparison.");
        using var item = writer.PushSequence(Context(9));
        if (parts.Count == 2) writer.WriteOctetString(Encoding.UTF8.GetBytes(parts[1]), Context(1));
        if (parts[0].Length > 0) writer.WriteOctetString(Encoding.UTF8.GetBytes(parts[0]), Context(2));
        writer.WriteOctetString(Unescape(value), Context(3));
        if (withDn) writer.WriteBoolean(true, Context(4));
    }

    private static byte[] Unescape(string value)
    {
        var bytes = new List<byte>(value.Length);
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] != '\\')
            {
                var length = char.IsSurrogatePair(value, i) ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(value.Substring(i, length)));
                i += length - 1;
            }
            else if (i + 2 < value.Length && byte.TryParse(value.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
            {
                bytes.Add(code);
                i += 2;
            }
            else
                throw new FormatException($"a backslash in '{value}' is not followed by two hexadecimal digits, such as \\2a for an asterisk.");
        }
        return [.. bytes];
    }

    private static bool IsName(string name) => name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or ';' or '_');

    private static Asn1Tag Context(int number) => new(TagClass.ContextSpecific, number);
}
