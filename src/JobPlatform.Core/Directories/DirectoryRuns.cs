using System.Text.Json;

namespace JobPlatform.Core.Directories;

/// <summary>What runs of <c>sync-directory</c> are asked for by. Thread-safe.</summary>
public static class DirectoryRuns
{
    /// <summary>The handler.</summary>
    public const string Handler = "sync-directory";

    /// <summary>The dedup key: one living sync of a connection, whoever asks.</summary>
    public static string KeyOf(Guid id) => $"directory:{id:N}";

    /// <summary>The payload.</summary>
    public static JsonElement PayloadOf(Guid id, bool force = false) =>
        force ? JsonSerializer.SerializeToElement(new { connection_id = id, force }) : JsonSerializer.SerializeToElement(new { connection_id = id });
}
