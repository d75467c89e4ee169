using System.Globalization;
using System.Text;

namespace JobPlatform.Core.Ldap;

/// <summary>Distinguished names. Thread-safe.</summary>
internal static class LdapName
{
    /// <summary>
    /// One form for all spellings of a name: servers give an entry's name and its mention in a group with other cases,
    /// spaces and escapes (<c>CN=Ada\2C L. , dc=x</c>).
    /// </summary>
    public static string Normalize(string name)
    {
        var text = new StringBuilder(name.Length);
        var value = new List<byte>();
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] is ',' or ';' or '+' or '=')
            {
                Flush();
                text.Append(name[i] == ';' ? ',' : name[i]);
            }
            else if (name[i] != '\\' || i + 1 == name.Length)
                Add(name[i] == ' ' ? " " : char.IsSurrogatePair(name, i) ? name.Substring(i++, 2) : name[i].ToString());
            else if (i + 2 < name.Length && byte.TryParse(name.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
            {
                value.Add(code);
                i += 2;
            }
            else
                Add(name[++i].ToString());
        }
        Flush();
        return text.ToString();

        void Add(string letters) => value.AddRange(Encoding.UTF8.GetBytes(letters));

        void Flush()
        {
            var plain = string.Join(' ', Encoding.UTF8.GetString([.. value]).Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToLowerInvariant();
            foreach (var letter in plain) text.Append(letter is ',' or '+' or '=' or '\\' ? $"\\{letter}" : letter);
            value.Clear();
        }
    }
}
