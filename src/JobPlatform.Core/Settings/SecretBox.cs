using System.Security.Cryptography;
using System.Text;

namespace JobPlatform.Core.Settings;

/// <summary>
/// Keeps secrets that the database holds (a webhook's key, the keys of sessions) unreadable to whoever has only the
/// database: AES-256-GCM under keys derived from <c>JOBS_SECRET_KEY</c>. What was sealed under
/// <c>JOBS_SECRET_KEY_PREVIOUS</c> opens too; sealing always takes the new one. Thread-safe.
/// </summary>
/// <param name="keys">The current secret first, then the one before it; may be empty where nothing is sealed.</param>
public sealed class SecretBox(IReadOnlyList<string> keys)
{
    // Version, nonce, ciphertext, tag. Which key it was is found by trying: there are two at most.
    private const byte Version = 1;
    private static readonly int NonceSize = AesGcm.NonceByteSizes.MaxSize;
    private static readonly int TagSize = AesGcm.TagByteSizes.MaxSize;

    /// <summary>Seals a text.</summary>
    /// <param name="purpose">What it is, such as <c>job_handlers:42</c>. It opens only under the same one, so that nobody
    /// moves a sealed secret to another row to have it used there.</param>
    /// <param name="secret">The text.</param>
    /// <exception cref="InvalidOperationException">There is no key.</exception>
    public byte[] Seal(string purpose, string secret)
    {
        if (keys.Count == 0) throw new InvalidOperationException("JOBS_SECRET_KEY: it is not set, and secrets are stored under it. Set it to what the server has.");
        var plain = Encoding.UTF8.GetBytes(secret);
        var sealedText = new byte[1 + NonceSize + plain.Length + TagSize];
        sealedText[0] = Version;
        var nonce = sealedText.AsSpan(1, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(Derive(keys[0], purpose), TagSize);
        aes.Encrypt(nonce, plain, sealedText.AsSpan(1 + NonceSize, plain.Length), sealedText.AsSpan(1 + NonceSize + plain.Length), Associated(purpose));
        CryptographicOperations.ZeroMemory(plain);
        return sealedText;
    }

    /// <summary>Opens what <see cref="Seal"/> made.</summary>
    /// <exception cref="SecretBoxException">No key that is set opens it, or it is not what was sealed for this purpose.</exception>
    public string Open(string purpose, ReadOnlySpan<byte> sealedText)
    {
        if (sealedText.Length > NonceSize + TagSize && sealedText[0] == Version)
        {
            var nonce = sealedText.Slice(1, NonceSize);
            var cipher = sealedText[(1 + NonceSize)..^TagSize];
            var plain = new byte[cipher.Length];
            foreach (var key in keys)
            {
                using var aes = new AesGcm(Derive(key, purpose), TagSize);
                try
                {
                    aes.Decrypt(nonce, cipher, sealedText[^TagSize..], plain, Associated(purpose));
                    return Encoding.UTF8.GetString(plain);
                }
                catch (AuthenticationTagMismatchException)
                {
                    // Another key may have sealed it.
                    continue;
                }
            }
        }
        throw new SecretBoxException(
            $"{purpose}: its stored secret does not open. It was stored under another JOBS_SECRET_KEY: set that one as JOBS_SECRET_KEY_PREVIOUS, or give the secret anew.");
    }

    private static byte[] Derive(string key, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(key), 32, info: Associated("jobplatform secret box 1 " + purpose));

    private static byte[] Associated(string purpose) => Encoding.UTF8.GetBytes(purpose);
}

/// <summary>A stored secret that does not open; the message says which, and what to do.</summary>
public sealed class SecretBoxException(string message) : Exception(message);
