namespace JobPlatform.Browser.Tests;

/// <summary>Where the browser is that the machine has.</summary>
internal static class Chromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    /// <summary>Its path; null for none.</summary>
    public static string? Path { get; } = Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } given ? given
        : (from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator)
           from name in Names
           select System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
