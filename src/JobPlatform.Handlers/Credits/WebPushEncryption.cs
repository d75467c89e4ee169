using System.Buffers.Binary;
using System.Security.Cryptography;

namespace JobPlatform.Handlers.Credits;

/// <summary>Encrypts messages for a browser (RFC 8291, content coding <c>aes128gcm</c> of RFC 8188). Thread-safe.</summary>
internal static class WebPushEncryption
{
    private const int PointLength = 65;
    private const int SecretLength = 16;
    private const int TagLength = 16;
    private const int RecordSize = 4096;

    /// <summary>The longest message that push services must take: a record of 4096 bytes without header, mark and tag.</summary>
    public const int LongestMessage = RecordSize - 86 - TagLength - 1;

    /// <summary>The body of the request, under a key and a salt of its own.</summary>
    /// <param name="message">At most <see cref="LongestMessage"/> bytes.</param>
    /// <param name="browserKey">The browser's public key, <c>p256dh</c>: 65 bytes.</param>
    /// <param name="browserSecret">The browser's secret, <c>auth</c>: 16 bytes.</param>
    /// <exception cref="CryptographicException">The browser's key is no point of P-256, or a length is wrong.</exception>
    public static byte[] Encrypt(ReadOnlySpan<byte> message, ReadOnlySpan<byte> browserKey, ReadOnlySpan<byte> browserSecret)
    {
        using var own = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        return Encrypt(message, browserKey, browserSecret, own, RandomNumberGenerator.GetBytes(16));
    }

    /// <summary>The same with a given key and salt, as the RFC's example has them.</summary>
    internal static byte[] Encrypt(ReadOnlySpan<byte> message, ReadOnlySpan<byte> browserKey, ReadOnlySpan<byte> browserSecret, ECDiffieHellman own, ReadOnlySpan<byte> salt)
    {
        if (browserKey.Length != PointLength || browserKey[0] != 4 || browserSecret.Length != SecretLength)
            throw new CryptographicException("The subscription's keys do not have the lengths of P-256 and its secret.");
        if (message.Length > LongestMessage) throw new CryptographicException($"The message has {message.Length} bytes; push services take {LongestMessage}.");
        var ownPoint = own.ExportParameters(includePrivateParameters: false).Q;
        byte[] ownKey = [4, .. ownPoint.X!, .. ownPoint.Y!];
        using var browser = ECDiffieHellman.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = browserKey[1..33].ToArray(), Y = browserKey[33..].ToArray() },
        });
        var shared = own.DeriveRawSecretAgreement(browser.PublicKey);

        Span<byte> input = stackalloc byte[32];
        Span<byte> contentKey = stackalloc byte[16];
        Span<byte> nonce = stackalloc byte[12];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, shared, input, browserSecret, [.. "WebPush: info\0"u8, .. browserKey, .. ownKey]);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, input, contentKey, salt, "Content-Encoding: aes128gcm\0"u8);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, input, nonce, salt, "Content-Encoding: nonce\0"u8);

        // Salt, record size, length of the key, the key; then one record, whose last byte says that it is the last.
        var header = salt.Length + 4 + 1 + ownKey.Length;
        var body = new byte[header + message.Length + 1 + TagLength];
        salt.CopyTo(body);
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(salt.Length), RecordSize);
        body[salt.Length + 4] = (byte)ownKey.Length;
        ownKey.CopyTo(body, salt.Length + 5);
        byte[] plain = [.. message, 2];
        using var cipher = new AesGcm(contentKey, TagLength);
        cipher.Encrypt(nonce, plain, body.AsSpan(header, plain.Length), body.AsSpan(header + plain.Length));
        CryptographicOperations.ZeroMemory(shared);
        return body;
    }
}
