using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace JobPlatform.Core.Webhooks;

/// <summary>Signatures by the Standard Webhooks convention, version 1. Thread-safe.</summary>
public static class WebhookSignature
{
    private const string Prefix = "whsec_";
    private const int FewestBytes = 24;
    private const int MostBytes = 64;

    /// <summary>A new signing secret: <c>whsec_</c> and the base64 form of 32 random bytes.</summary>
    public static string CreateSecret() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>True for <c>whsec_</c> and the base64 form of 24 to 64 bytes.</summary>
    public static bool IsSecret(string text)
    {
        Span<byte> key = stackalloc byte[MostBytes];
        return text.StartsWith(Prefix, StringComparison.Ordinal) && !text.Any(char.IsWhiteSpace)
            && Convert.TryFromBase64Chars(text.AsSpan(Prefix.Length), key, out var length) && length >= FewestBytes;
    }

    /// <summary>The base64 part of a signing secret.</summary>
    internal static string KeyOf(string secret) => secret[Prefix.Length..];

    /// <summary>What goes into the header <c>webhook-signature</c>.</summary>
    /// <param name="secret">As <see cref="IsSecret"/> has it.</param>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="timestamp">The header <c>webhook-timestamp</c>: seconds since 1970.</param>
    /// <param name="body">The body as it is sent.</param>
    public static string Sign(string secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Convert.FromBase64String(KeyOf(secret)));
        hmac.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        hmac.AppendData(body);
        return "v1," + Convert.ToBase64String(hmac.GetHashAndReset());
    }
}
