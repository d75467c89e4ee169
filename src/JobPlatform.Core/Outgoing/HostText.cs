using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace JobPlatform.Core.Outgoing;

/// <summary>
/// The host in an address, taken literally: one plain form for each kind of host and no other. What one library reads as
/// a name and another as a number (0x7f.1, 017700000001, ①②⑦.0.0.1) is refused instead of understood. Thread-safe.
/// </summary>
internal static partial class HostText
{
    private const int LongestName = 253;

    /// <summary>Reads a dotted IPv4 address without leading zeros, or an IPv6 address in brackets without a zone.</summary>
    public static bool TryReadAddress(string host, out IPAddress address)
    {
        address = IPAddress.None;
        if (host is ['[', .. var inner, ']'])
            return !inner.Contains('%') && IPAddress.TryParse(inner, out address!) && address.AddressFamily == AddressFamily.InterNetworkV6;
        return Dotted().IsMatch(host) && IPAddress.TryParse(host, out address!) && address.ToString() == host;
    }

    /// <summary>Why the text is no plain host name; null when it is one.</summary>
    public static string? FindNameFault(string host)
    {
        if (host.Length == 0) return "it names no host";
        if (!System.Text.Ascii.IsValid(host)) return $"the host is not plain ASCII{Punycode(host)}";
        if (host.EndsWith('.')) return "the host ends in a dot: leave it out";
        if (host.Contains('%')) return "the host holds a percent sign: write its characters themselves";
        if (host.Length > LongestName || !Name().IsMatch(host))
            return "the host is neither a name of letters, digits, dots and dashes nor a plain address (four decimal numbers, or IPv6 in brackets without a zone)";
        // The WHATWG rule: whatever ends in a number is an IPv4 address, in one of its many spellings.
        return EndsInNumber().IsMatch(host) ? "the host is a number: write an IPv4 address as four decimal numbers without leading zeros, such as 192.0.2.1" : null;
    }

    private static string Punycode(string host)
    {
        try
        {
            return $": write {new IdnMapping { UseStd3AsciiRules = true }.GetAscii(host)}, if that is what is meant";
        }
        catch (ArgumentException)
        {
            return ", and no international name either";
        }
    }

    [GeneratedRegex(@"^\d{1,3}(\.\d{1,3}){3}\z")]
    private static partial Regex Dotted();

    [GeneratedRegex(@"^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Name();

    [GeneratedRegex(@"(^|\.)([0-9]+|0x[0-9a-f]*)\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex EndsInNumber();
}
