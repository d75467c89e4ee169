using System.Reflection;

namespace JobPlatform.Core.Database;

/// <summary>Text files that are built into this assembly; line ends are LF whatever the checkout did to them.</summary>
internal static class EmbeddedText
{
    public static string Read(string resource)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The resource {resource} is not in this build.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
