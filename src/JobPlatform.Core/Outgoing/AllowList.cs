using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace JobPlatform.Core.Outgoing;

/// <summary>
/// The setting <c>OUTGOING_ALLOW</c>: what of the inside may be connected to all the same. Hosts (<c>crm.internal</c>),
/// addresses, networks (<c>10.1.0.0/16</c>), the first two perhaps with a port (<c>crm.internal:8443</c>), with commas
/// between them. Immutable, thread-safe.
/// </summary>
public sealed class AllowList
{
    private readonly List<(string Name, int? Port)> _names = [];
    private readonly List<(IPNetwork Network, int? Port)> _networks = [];

    private AllowList() { }

    /// <summary>Allows nothing of the inside.</summary>
    public static AllowList Empty { get; } = new();

    /// <summary>True when an address range is allowed, into which any name may resolve.</summary>
    internal bool HasNetworks => _networks.Count > 0;

    /// <summary>Reads the setting.</summary>
    /// <param name="text">Null or empty for nothing.</param>
    /// <returns>The list of what could be read, and a sentence for each entry that could not.</returns>
    public static (AllowList Allowed, IReadOnlyList<string> Faults) Parse(string? text)
    {
        var allowed = new AllowList();
        var faults = new List<string>();
        foreach (var entry in (text ?? "").Split([',', ' ', ';'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            if (!allowed.TryAdd(entry))
                faults.Add($"'{entry}' is no host, address or network such as crm.internal, crm.internal:8443, 10.1.2.3, [fd00::5]:8080 or 10.1.0.0/16 (without host bits).");
        return (allowed, faults);
    }

    /// <summary>True when the operator allows this host by its name: then its addresses are not checked.</summary>
    internal bool AllowsName(string host, int port) =>
        _names.Exists(entry => entry.Name.Equals(host, StringComparison.OrdinalIgnoreCase) && (entry.Port ?? port) == port);

    /// <summary>True when the operator allows this address.</summary>
    internal bool AllowsAddress(IPAddress address, int port)
    {
        var unwrapped = AddressRanges.Unwrap(address);
        return _networks.Exists(entry => (entry.Port ?? port) == port && (entry.Network.Contains(unwrapped) || entry.Network.Contains(address)));
    }

    private bool TryAdd(string entry)
    {
        if (IPNetwork.TryParse(entry, out var network))
        {
            // Its host bits would be dropped without a word: 10.0.0.5/8 is more likely meant as one address.
            if (!IPAddress.Parse(entry.AsSpan(0, entry.IndexOf('/'))).Equals(network.BaseAddress)) return false;
            _networks.Add((network, null));
            return true;
        }
        // An IPv6 address has colons of its own, so that its port needs brackets.
        var isBare = IPAddress.TryParse(entry, out var bare) && bare.AddressFamily == AddressFamily.InterNetworkV6;
        var colon = isBare ? -1 : entry.LastIndexOf(':');
        if (entry.EndsWith(']')) colon = -1;
        int? port = null;
        if (colon >= 0)
        {
            if (!int.TryParse(entry.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number is < 1 or > 65535) return false;
            port = number;
        }
        var host = colon < 0 ? entry : entry[..colon];
        if (HostText.TryReadAddress(isBare ? $"[{host}]" : host, out var address))
            _networks.Add((new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128), port));
        else if (HostText.FindNameFault(host) is null) _names.Add((host, port));
        else return false;
        return true;
    }
}
