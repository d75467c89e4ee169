using System.Text.Json;
using JobPlatform.Core.Directories;

namespace JobPlatform.Web.Admin.Directories;

/// <summary>How the last sync of a connection went.</summary>
/// <param name="Word">In a word.</param>
/// <param name="Look">The state of a run that it looks like.</param>
/// <param name="Fault">Why it did not succeed; null when it did, or has not ended.</param>
internal sealed record DirectoryState(string Word, string Look, string? Fault)
{
    public static DirectoryState Of(DirectoryConnection connection) => connection switch
    {
        { LastStartedAt: null } => new("never synced", "queued", null),
        { LastResult: null } => new("not ended", "running", null),
        { LastResult: { } result } when result.TryGetProperty("error", out var error) => new("failed", "failed", error.ToString()),
        { LastResult: { } result } when result.TryGetProperty("refused", out var refusal) => new("refused", "failed", $"Refused, as {refusal}. Sync with force to believe it."),
        _ => new("success", "success", null),
    };
}
