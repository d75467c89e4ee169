using System.Net;
using System.Net.Sockets;

namespace JobPlatform.Core.Outgoing;

/// <summary>Which addresses are not of the public internet. For IPv4 by the list of special ranges; of IPv6 only
/// 2000::/3 is public at all. Thread-safe.</summary>
internal static class AddressRanges
{
    private static readonly (IPNetwork Range, string What)[] Version4 =
    [
        (IPNetwork.Parse("0.0.0.0/8"), "no address of a machine"),
        (IPNetwork.Parse("10.0.0.0/8"), "an address of a private network"),
        (IPNetwork.Parse("100.64.0.0/10"), "an address behind a provider's translation (CGNAT)"),
        (IPNetwork.Parse("127.0.0.0/8"), "the machine itself"),
        (IPNetwork.Parse("168.63.129.16/32"), "a cloud's metadata service"),
        (IPNetwork.Parse("169.254.0.0/16"), "a link-local address, as metadata services have"),
        (IPNetwork.Parse("172.16.0.0/12"), "an address of a private network"),
        (IPNetwork.Parse("192.0.0.0/24"), "reserved for protocols"),
        (IPNetwork.Parse("192.0.2.0/24"), "reserved for documentation"),
        (IPNetwork.Parse("192.88.99.0/24"), "a relay of 6to4"),
        (IPNetwork.Parse("192.168.0.0/16"), "an address of a private network"),
        (IPNetwork.Parse("198.18.0.0/15"), "reserved for benchmarks"),
        (IPNetwork.Parse("198.51.100.0/24"), "reserved for documentation"),
        (IPNetwork.Parse("203.0.113.0/24"), "reserved for documentation"),
        (IPNetwork.Parse("224.0.0.0/4"), "a multicast address"),
        (IPNetwork.Parse("240.0.0.0/4"), "a reserved address"),
    ];

    private static readonly IPNetwork Public6 = IPNetwork.Parse("2000::/3");

    // Those outside 2000::/3 are here for their names only.
    private static readonly (IPNetwork Range, string What)[] Version6 =
    [
        (IPNetwork.Parse("::/128"), "no address of a machine"),
        (IPNetwork.Parse("::1/128"), "the machine itself"),
        (IPNetwork.Parse("::/96"), "an IPv4 address in an outdated form"),
        (IPNetwork.Parse("64:ff9b:1::/48"), "an address behind a local translation to IPv4"),
        (IPNetwork.Parse("fc00::/7"), "an address of a private network"),
        (IPNetwork.Parse("fe80::/10"), "a link-local address"),
        (IPNetwork.Parse("fec0::/10"), "a site-local address"),
        (IPNetwork.Parse("ff00::/8"), "a multicast address"),
        // Teredo, benchmarks, ORCHID and others, none of which is a web server.
        (IPNetwork.Parse("2001::/23"), "reserved for protocols such as Teredo"),
        (IPNetwork.Parse("2001:db8::/32"), "reserved for documentation"),
        (IPNetwork.Parse("2002::/16"), "an IPv4 address as 6to4 writes it"),
        (IPNetwork.Parse("3fff::/20"), "reserved for documentation"),
    ];

    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    /// <summary>What a connection really leads to: the IPv4 address of an IPv4-mapped one, and of one that NAT64 translates
    /// (in a network without IPv4 the resolver gives every public IPv4 host in that form).</summary>
    public static IPAddress Unwrap(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        : Nat64.Contains(address) ? new IPAddress(address.GetAddressBytes().AsSpan(12))
        : address;

    /// <summary>Why the address is not one of the public internet, to stand behind "is"; null when it is.</summary>
    public static string? FindReason(IPAddress address)
    {
        address = Unwrap(address);
        if (address.AddressFamily == AddressFamily.InterNetwork) return Find(Version4, address);
        if (Find(Version6, address) is { } what) return what;
        if (!Public6.Contains(address)) return "no public address";
        return IsIsatap(address) ? "an IPv4 address as ISATAP writes it" : null;
    }

    private static string? Find((IPNetwork Range, string What)[] ranges, IPAddress address)
    {
        foreach (var (range, what) in ranges)
            if (range.Contains(address)) return what;
        return null;
    }

    // The interface part is 0000:5efe or 0200:5efe before the IPv4 address, under any prefix.
    private static bool IsIsatap(IPAddress address) =>
        address.GetAddressBytes().AsSpan(8, 4) is [0 or 2, 0, 0x5e, 0xfe];
}
