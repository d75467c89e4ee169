using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace JobPlatform.Handlers.Tests.Credits;

/// <summary>
/// A browser's side of RFC 8291, written from the RFC and sharing no code with the sender: HKDF is done by hand out of
/// HMAC, and the record is taken apart by its header.
/// </summary>
internal sealed class Receiver : IDisposable
{
    private readonly ECDiffieHellman _key;
    private readonly byte[] _secret;

    public Receiver() : this(ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256), RandomNumberGenerator.GetBytes(16)) { }

    public Receiver(ECDiffieHellman key, byte[] secret) => (_key, _secret) = (key, secret);

    public byte[] Key
    {
        get
        {
            var point = _key.ExportParameters(false).Q;
            return [4, .. point.X!, .. point.Y!];
        }
    }

    public string P256dh => Base64Url.EncodeToString(Key);

    public string Auth => Base64Url.EncodeToString(_secret);

    public string Decrypt(ReadOnlySpan<byte> body)
    {
        var salt = body[..16];
        var recordSize = BinaryPrimitives.ReadUInt32BigEndian(body[16..20]);
        var sender = body.Slice(21, body[20]);
        var record = body[(21 + sender.Length)..];
        Assert.That(record.Length, Is.LessThanOrEqualTo(recordSize), "one record");
        using var other = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = sender[1..33].ToArray(), Y = sender[33..].ToArray() } });
        var shared = _key.DeriveRawSecretAgreement(other.PublicKey);
        var input = Expand(HMACSHA256.HashData(_secret, shared), [.. "WebPush: info"u8, 0, .. Key, .. sender], 32);
        var extracted = HMACSHA256.HashData(salt, input);
        using var cipher = new AesGcm(Expand(extracted, [.. "Content-Encoding: aes128gcm"u8, 0], 16), 16);
        var plain = new byte[record.Length - 16];
        cipher.Decrypt(Expand(extracted, [.. "Content-Encoding: nonce"u8, 0], 12), record[..^16], record[^16..], plain);
        var end = Array.FindLastIndex(plain, one => one != 0);
        Assert.That(plain[end], Is.EqualTo(2), "the mark of the last record");
        return Encoding.UTF8.GetString(plain, 0, end);
    }

    public void Dispose() => _key.Dispose();

    private static byte[] Expand(byte[] key, byte[] info, int length) => HMACSHA256.HashData(key, (byte[])[.. info, 1])[..length];
}
