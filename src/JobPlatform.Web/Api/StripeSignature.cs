using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace JobPlatform.Web.Api;

/// <summary>Checks the header <c>Stripe-Signature</c>: <c>t=SECONDS,v1=HEX[,v1=HEX…]</c> over <c>SECONDS.BODY</c>. Thread-safe.</summary>
internal static class StripeSignature
{
    /// <summary>How old, or how far ahead, a signature may be. As long as Stripe's own libraries take.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    // While secrets are replaced there are two; more make the check costly for nothing.
    private const int MostSignatures = 10;

    /// <summary>True when one of the signatures is of one of the secrets, and not too old. Takes as long for a wrong one as for a right one.</summary>
    /// <param name="header">The header's value.</param>
    /// <param name="body">The body as it came.</param>
    /// <param name="secrets">The endpoint's signing secrets, whsec_ included.</param>
    /// <param name="now">The time.</param>
    public static bool IsGood(string? header, ReadOnlySpan<byte> body, IReadOnlyList<string> secrets, DateTimeOffset now)
    {
        if (header is null || secrets.Count == 0) return false;
        string? timestamp = null;
        var given = new List<byte[]>();
        foreach (var part in header.Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.Split('=', 2) is not [var name, var value]) return false;
            if (name == "t") timestamp = value;
            if (name == "v1" && given.Count < MostSignatures && value.Length == 2 * SHA256.HashSizeInBytes && value.All(char.IsAsciiHexDigit)) given.Add(Convert.FromHexString(value));
        }
        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || Math.Abs(now.ToUnixTimeSeconds() - (decimal)seconds) > (decimal)Tolerance.TotalSeconds) return false;
        var isGood = false;
        foreach (var secret in secrets)
        {
            using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
            // The text of the header, so that it is what was signed.
            hmac.AppendData(Encoding.ASCII.GetBytes($"{timestamp}."));
            hmac.AppendData(body);
            var expected = hmac.GetHashAndReset();
            foreach (var signature in given) isGood |= CryptographicOperations.FixedTimeEquals(signature, expected);
        }
        return isGood;
    }
}
