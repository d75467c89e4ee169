using System.Net;
using System.Net.Sockets;

namespace JobPlatform.Core.Outgoing;

/// <summary>What an address is for.</summary>
public enum AddressKind
{
    /// <summary><c>http</c> and <c>https</c>.</summary>
    Web,

    /// <summary><c>ldap</c> and <c>ldaps</c>.</summary>
    Directory,
}

/// <summary>An address that the platform does not connect to; the message says why, and the way out.</summary>
public sealed class AddressRefusedException(string message) : Exception(message);

/// <summary>
/// Keeps addresses that rows hold (webhooks, pings, push endpoints, directories) from reaching the inside: on save by
/// their text, and at each connection by the addresses that the name has at that moment. Thread-safe.
/// </summary>
/// <param name="allowed">What of the inside the operator allows.</param>
/// <param name="resolve">Finds the addresses of a name; null for the system's resolver.</param>
public sealed class AddressGuard(AllowList allowed, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
{
    private const int LongestAddress = 2000;
    private const string Remedy = "Give one of the public internet, or let the operator allow it with OUTGOING_ALLOW.";
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);
    private static readonly string[] InsideSuffixes = [".localhost", ".local", ".internal", ".localdomain", ".home.arpa", ".lan", ".intranet", ".corp"];

    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? Dns.GetHostAddressesAsync;

    /// <summary>What is wrong with an address as it is written, in a sentence that shows its host at most; null when
    /// nothing is. The name is not resolved: what it leads to can change any moment, and is checked at each connection.</summary>
    public string? FindFault(string? text, AddressKind kind = AddressKind.Web)
    {
        string[] schemes = kind == AddressKind.Web ? ["https", "http"] : ["ldaps", "ldap"];
        var example = $"such as {schemes[0]}://{(kind == AddressKind.Web ? "hooks" : "directory")}.example.com";
        if (string.IsNullOrEmpty(text)) return $"it is not set. Give an address {example}.";
        if (text.Length > LongestAddress) return $"it has {text.Length} characters; at most {LongestAddress} are allowed.";
        if (text.AsSpan().ContainsAnyInRange('\0', ' ') || text.AsSpan().ContainsAny('\\', '\x7f'))
            return "it holds a space, a control character or a backslash. Percent-encode it.";
        var end = text.IndexOf("://", StringComparison.Ordinal);
        if (end < 0 || !schemes.Contains(text[..end].ToLowerInvariant()))
            return $"it does not begin with {schemes[0]}:// or {schemes[1]}://. Give an address {example}.";

        var rest = text[(end + 3)..];
        var authority = rest[..(rest.IndexOfAny(['/', '?', '#']) is >= 0 and var stop ? stop : rest.Length)];
        // Not shown, as it may be a password.
        if (authority.Contains('@')) return "it holds a user or a password. Leave them out, and give the secret where secrets belong.";
        var colon = authority.LastIndexOf(':');
        if (colon < authority.LastIndexOf(']')) colon = -1;
        var host = colon < 0 ? authority : authority[..colon];
        var isAddress = HostText.TryReadAddress(host, out var address);
        if (!isAddress && HostText.FindNameFault(host) is { } fault) return $"'{host}': {fault}.";
        // The library that connects must read the same host and port as was checked here.
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || !IsSameHost(uri, host, isAddress ? address : null))
            return $"'{authority}': it is no host, perhaps with a port. Give an address {example}.";
        return isAddress ? FindFault(address, host, PortOf(uri), kind) : FindNameFault(host, PortOf(uri), kind);
    }

    /// <summary>The port of an address that <see cref="FindFault(string?, AddressKind)"/> lets pass.</summary>
    public static int PortOf(Uri address) => address.Port > 0 ? address.Port : address.Scheme switch
    {
        "ldaps" => 636,
        "ldap" => 389,
        _ => 0,
    };

    /// <summary>The addresses of a host, each of them checked: connect to these and to no others, without resolving again.</summary>
    /// <exception cref="AddressRefusedException">One of them is not allowed; then none is given.</exception>
    /// <exception cref="SocketException">The name has no address.</exception>
    public async Task<IReadOnlyList<IPAddress>> ResolveAsync(string host, int port, CancellationToken cancellation = default)
    {
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await _resolve(host, cancellation);
        if (addresses.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
        if (!allowed.AllowsName(host, port))
            foreach (var address in addresses)
                if (FindFault(address, host, port) is { } fault) throw new AddressRefusedException(fault);
        return [.. addresses.Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)];
    }

    /// <summary>Connects to a host at an address that was checked.</summary>
    /// <exception cref="AddressRefusedException">It is not allowed.</exception>
    /// <exception cref="SocketException">None of its addresses answers.</exception>
    public async ValueTask<Stream> ConnectAsync(string host, int port, CancellationToken cancellation = default)
    {
        var addresses = await ResolveAsync(host, port, cancellation);
        for (var i = 0; ; i++)
        {
            var socket = new Socket(addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(ConnectLimit);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(addresses[i], port), limit.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e)
            {
                socket.Dispose();
                cancellation.ThrowIfCancellationRequested();
                if (i + 1 < addresses.Count) continue;
                if (e is OperationCanceledException) throw new SocketException((int)SocketError.TimedOut);
                throw;
            }
        }
    }

    private static bool IsSameHost(Uri uri, string host, IPAddress? address) =>
        uri.UserInfo.Length == 0 && PortOf(uri) is > 0 and <= 65535
        && (address is null ? uri.IdnHost.Equals(host, StringComparison.OrdinalIgnoreCase)
            : IPAddress.TryParse(uri.IdnHost, out var read) && read.Equals(address));

    private string? FindFault(IPAddress address, string host, int port, AddressKind? kind = null)
    {
        if (allowed.AllowsAddress(address, port)) return null;
        var shown = host.Trim('[', ']') == address.ToString() ? $"'{host}'" : $"'{host}' leads to {address}, which";
        return AddressRanges.FindReason(address) is { } reason ? $"{shown} is {reason}. {Remedy}" : FindPortFault(port, kind);
    }

    // A help for whoever types it. What counts is the address at the connection: an allowed network may well have names of the inside.
    private string? FindNameFault(string host, int port, AddressKind kind)
    {
        if (allowed.HasNetworks || allowed.AllowsName(host, port)) return null;
        var isInside = !host.Contains('.') || InsideSuffixes.Any(suffix => host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase));
        return isInside ? $"'{host}' is a name of the inside. {Remedy}" : FindPortFault(port, kind);
    }

    // Below 1024 live services that would take a request for their own protocol, such as mail at 25.
    private static string? FindPortFault(int port, AddressKind? kind)
    {
        int[] usual = kind switch { AddressKind.Web => [80, 443], AddressKind.Directory => [389, 636], _ => [80, 443, 389, 636] };
        return port >= 1024 || usual.Contains(port) ? null
            : $"the port {port} is another service's. Give {usual[0]}, {usual[1]} or one from 1024 on, or let the operator allow it with OUTGOING_ALLOW.";
    }
}
