using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using JobPlatform.Core.Settings;

namespace JobPlatform.Handlers.Credits;

/// <summary>Says to a push service who sends (RFC 8292): a token that only the holder of the key can sign. Thread-safe.</summary>
internal static class Vapid
{
    // A day at most is allowed; a push service's clock may be off by hours.
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);
    private static readonly string Header = Base64Url.EncodeToString("""{"typ":"JWT","alg":"ES256"}"""u8);

    /// <summary>The header <c>Authorization</c> for an endpoint.</summary>
    public static string Authorize(VapidSettings keys, Uri endpoint, DateTimeOffset now)
    {
        var claims = JsonSerializer.SerializeToUtf8Bytes(new { aud = endpoint.GetLeftPart(UriPartial.Authority), exp = (now + Lifetime).ToUnixTimeSeconds(), sub = keys.Subject });
        var signed = $"{Header}.{Base64Url.EncodeToString(claims)}";
        using var key = ECDsa.Create(keys.ToParameters());
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return $"vapid t={signed}.{Base64Url.EncodeToString(signature)}, k={Base64Url.EncodeToString(keys.PublicKey.Span)}";
    }
}
