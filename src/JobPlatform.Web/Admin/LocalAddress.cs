namespace JobPlatform.Web.Admin;

/// <summary>Addresses that a browser sends and is led to.</summary>
internal static class LocalAddress
{
    // Anything else would make this server's name lead elsewhere. Browsers read a backslash as a slash; a header takes ASCII only.
    /// <summary>The address where it is one of this server, otherwise the other one.</summary>
    public static string Of(string? address, string fallback) =>
        address is ['/', ..] and not ['/', '/' or '\\', ..] && address.All(c => c is > ' ' and < '\x7f') ? address : fallback;
}
