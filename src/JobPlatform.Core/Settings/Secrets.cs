using System.Security.Cryptography;

namespace JobPlatform.Core.Settings;

/// <summary>Shared secrets: how they are made, and which are refused.</summary>
public static class Secrets
{
    /// <summary>The shortest secret that is accepted, in characters.</summary>
    public const int MinimumLength = 32;

    private static readonly string[] PlaceholderBeginnings =
        ["your-", "your_", "yoursecret", "replace", "change", "secret", "example", "placeholder", "todo", "xxx", "insert-", "put-", "enter-", "dummy", "test-secret", "<"];

    /// <summary>A new secret of 256 random bits: 43 letters, digits, dashes and underscores.</summary>
    public static string Create()
    {
        // One in thousands begins like a placeholder, and would be refused.
        while (true)
            if (Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_') is var secret
                && FindFault("", secret) is null)
                return secret;
    }

    /// <summary>What is wrong with a secret, in one sentence that does not show it; null when nothing is.</summary>
    public static string? FindFault(string name, string? value)
    {
        const string remedy = "Make one with 'jobplatform secrets new'";
        if (string.IsNullOrWhiteSpace(value)) return $"{name}: it is not set. {remedy} and set {name} to it.";
        if (value.Length < MinimumLength)
            return $"{name}: it has {value.Length} characters and needs at least {MinimumLength}. {remedy}.";
        if (PlaceholderBeginnings.Any(beginning => value.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)))
            return $"{name}: it begins like a placeholder of an example. {remedy}.";
        if (value.Distinct().Count() < 8) return $"{name}: it repeats a few characters. {remedy}.";
        return null;
    }
}
