using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Settings;

/// <summary>An AI provider that the application uses. Immutable.</summary>
/// <param name="Name">openai, anthropic or google; as <c>ai_requests.provider</c> has it.</param>
/// <param name="Url">Where its API is.</param>
/// <param name="Key">The application's key.</param>
public sealed record AiProvider(string Name, Uri Url, string Key)
{
    /// <summary>The names of all that are known.</summary>
    public static IReadOnlyList<string> Names { get; } = ["openai", "anthropic", "google"];

    /// <summary>Never shows the key.</summary>
    public override string ToString() => $"{Name} at {Url}";

    /// <summary>Those whose key is set: <c>OPENAI_API_KEY</c> and the like; <c>OPENAI_API_URL</c> and the like for another address.</summary>
    internal static IReadOnlyList<AiProvider> Read(IConfiguration configuration, List<string> faults)
    {
        string[] addresses = ["https://api.openai.com", "https://api.anthropic.com", "https://generativelanguage.googleapis.com"];
        var providers = new List<AiProvider>();
        foreach (var (name, address) in Names.Zip(addresses))
        {
            var setting = $"{name.ToUpperInvariant()}_API_URL";
            var url = configuration[setting] is { Length: > 0 } given ? given : address;
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || !(uri.Scheme == Uri.UriSchemeHttps || uri is { Scheme: "http", IsLoopback: true }))
                faults.Add($"{setting}: '{url}' is not an https address. Leave it out for {address}.");
            else if (configuration[$"{name.ToUpperInvariant()}_API_KEY"]?.Trim() is { Length: > 0 } key)
                providers.Add(new(name, uri, key));
        }
        return providers;
    }
}
