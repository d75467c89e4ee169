using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace JobPlatform.Core.Administration;

/// <summary>How passwords of accounts are made, checked and hashed. Thread-safe.</summary>
public static class Passwords
{
    /// <summary>The shortest password that is accepted, in characters.</summary>
    public const int MinimumLength = 12;

    // Longer ones would only cost the server time.
    private const int MaximumLength = 200;

    private const int GeneratedLength = 20;
    // Without those that look alike.
    private const string Alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    // What OWASP asks of PBKDF2 with HMAC-SHA512; the framework's own default is half of it.
    private static readonly PasswordHasher<object> Hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = 210_000 }));
    private static readonly object Nobody = new();
    private static readonly string HashOfNobody = Hash(Create());

    /// <summary>A password of 116 random bits.</summary>
    public static string Create() => RandomNumberGenerator.GetString(Alphabet, GeneratedLength);

    /// <summary>What is wrong with a new password, in one sentence that does not show it; null when nothing is.</summary>
    public static string? FindFault(string password) => password.Length switch
    {
        < MinimumLength => $"password: it has {password.Length} characters and needs at least {MinimumLength}. A few words do.",
        > MaximumLength => $"password: it has {password.Length} characters and may have {MaximumLength}.",
        _ => null,
    };

    /// <summary>The text to store; another one each time.</summary>
    public static string Hash(string password) => Hasher.HashPassword(Nobody, password);

    /// <summary>Whether the password belongs to the hash; without a hash no, after the same time.</summary>
    public static bool Verify(string? hash, string password) =>
        password.Length <= MaximumLength
        && Hasher.VerifyHashedPassword(Nobody, hash ?? HashOfNobody, password) != PasswordVerificationResult.Failed
        && hash is not null;
}
