using JobPlatform.Core.Schedules;

namespace JobPlatform.Core;

/// <summary>"Did you mean": the known word nearest to a mistyped one.</summary>
public static class Suggestion
{
    /// <summary>A sentence that begins with a space, or nothing when no known word is near.</summary>
    public static string For(string word, IEnumerable<string> known) =>
        Spelling.Nearest(word, known) is { } best ? $" Did you mean {best}?" : "";
}
