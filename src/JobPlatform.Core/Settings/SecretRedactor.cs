using System.Collections.Immutable;

namespace JobPlatform.Core.Settings;

/// <summary>Masks the secrets that the settings hold, wherever a text leaves the process. Immutable, thread-safe.</summary>
/// <param name="secrets">The values; those under eight characters are left out, as they would mask ordinary words.</param>
public sealed class SecretRedactor(IEnumerable<string> secrets)
{
    private const int ShortestSecret = 8;
    private readonly ImmutableArray<string> _secrets =
        [.. secrets.Where(secret => secret.Length >= ShortestSecret).Distinct().OrderByDescending(secret => secret.Length)];

    /// <summary>The text with every secret replaced by <c>[secret]</c>.</summary>
    public string Redact(string text)
    {
        foreach (var secret in _secrets)
            if (text.Contains(secret, StringComparison.Ordinal))
                text = text.Replace(secret, "[secret]", StringComparison.Ordinal);
        return text;
    }
}
