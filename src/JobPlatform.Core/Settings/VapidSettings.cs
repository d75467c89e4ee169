using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Settings;

/// <summary>By which push services know who sends (RFC 8292). Immutable.</summary>
public sealed record VapidSettings
{
    private const int PublicLength = 65;
    private const int PrivateLength = 32;

    /// <summary><c>VAPID_PUBLIC_KEY</c>: the point of P-256, uncompressed; the same that browsers subscribe with.</summary>
    public required ReadOnlyMemory<byte> PublicKey { get; init; }

    /// <summary><c>VAPID_PRIVATE_KEY</c>: its secret number.</summary>
    public required ReadOnlyMemory<byte> PrivateKey { get; init; }

    /// <summary><c>VAPID_SUBJECT</c>: whom a push service writes to when something is wrong, <c>mailto:</c> or <c>https:</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>A new pair, each as base64url.</summary>
    public static (string PublicKey, string PrivateKey) CreateKeys()
    {
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var parts = pair.ExportParameters(includePrivateParameters: true);
        return (Base64Url.EncodeToString([4, .. parts.Q.X!, .. parts.Q.Y!]), Base64Url.EncodeToString(parts.D));
    }

    /// <summary>The pair in the framework's form.</summary>
    public ECParameters ToParameters() => new()
    {
        Curve = ECCurve.NamedCurves.nistP256,
        D = PrivateKey.ToArray(),
        Q = new ECPoint { X = PublicKey[1..33].ToArray(), Y = PublicKey[33..].ToArray() },
    };

    /// <summary>Reads the settings; null when none of them is set.</summary>
    internal static VapidSettings? Read(IConfiguration configuration, List<string> faults)
    {
        string[] names = ["VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY", "VAPID_SUBJECT"];
        if (names.All(name => string.IsNullOrEmpty(configuration[name]))) return null;
        const string remedy = "'jobplatform secrets new --vapid' makes a pair of keys.";
        foreach (var name in names.Where(name => string.IsNullOrEmpty(configuration[name])))
            faults.Add($"{name}: it is not set, and others of {string.Join(", ", names)} are. {remedy}");
        var subject = configuration["VAPID_SUBJECT"] ?? "";
        if (subject.Length > 0 && !(Uri.TryCreate(subject, UriKind.Absolute, out var uri) && uri.Scheme is "mailto" or "https"))
            faults.Add($"VAPID_SUBJECT: '{subject}' is not an address such as mailto:ops@example.com or https://example.com.");
        var publicKey = ReadKey("VAPID_PUBLIC_KEY", PublicLength);
        var privateKey = ReadKey("VAPID_PRIVATE_KEY", PrivateLength);
        if (publicKey is null || privateKey is null) return null;
        var read = new VapidSettings { PublicKey = publicKey, PrivateKey = privateKey, Subject = subject };
        try
        {
            ECDsa.Create(read.ToParameters()).Dispose();
            return read;
        }
        catch (CryptographicException)
        {
            faults.Add($"VAPID_PRIVATE_KEY: it does not belong to VAPID_PUBLIC_KEY. {remedy}");
            return null;
        }

        byte[]? ReadKey(string name, int length)
        {
            if (configuration[name] is not { Length: > 0 } text) return null;
            try
            {
                if (Base64Url.DecodeFromChars(text.Trim()) is var key && key.Length == length && (length != PublicLength || key[0] == 4)) return key;
            }
            catch (FormatException)
            {
                // Said below, as every other form that is none.
            }
            faults.Add($"{name}: it is not the base64url form of {length} bytes. {remedy}");
            return null;
        }
    }
}
