using System.Net;
using System.Net.Sockets;

namespace JobPlatform.Core.Administration;

/// <summary>What callers are counted by, as an address alone says little: whoever has one IPv6 address has the 2^64 of its network.</summary>
public static class Networks
{
    private const int Whole = 4;
    private const int Most = 3;
    private const int Subnet = 8;

    /// <summary>The IPv4 address, or the IPv6 network of 64 bits; "unknown" for none.</summary>
    public static string Of(IPAddress? address) => Take(address, Whole);

    /// <summary>The same with an IPv4 network of 24 bits: where somebody comes from whose provider deals out addresses.</summary>
    public static string Around(IPAddress? address) => Take(address, Most);

    private static string Take(IPAddress? address, int bytes) => address switch
    {
        null => "unknown",
        { IsIPv4MappedToIPv6: true } => Take(address.MapToIPv4(), bytes),
        { AddressFamily: AddressFamily.InterNetworkV6 } => Keep(address, Subnet),
        _ => Keep(address, bytes),
    };

    private static string Keep(IPAddress address, int bytes)
    {
        var kept = address.GetAddressBytes();
        kept.AsSpan(bytes).Clear();
        return new IPAddress(kept).ToString();
    }
}
