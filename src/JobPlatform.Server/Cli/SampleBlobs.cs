using Dapper;
using JobPlatform.Core.Database;

namespace JobPlatform.Server.Cli;

/// <summary>The files of the sample application: some that rows name, some of chats that are gone, some that nobody knows.</summary>
internal static class SampleBlobs
{
    private const int Named = 200;

    // Those of the chats and the project of events.sql, and strays.
    private static readonly string[] Unnamed =
    [
        "chats/900000001/plan.txt", "chats/900000001/photo.txt", "projects/900000002/notes.txt", "chats/900000003/draft.txt",
        .. Enumerable.Range(1, 50).Select(n => $"uploads/interrupted-{n}.txt"),
    ];

    /// <summary>Writes the files into the folder, as if they were two days old.</summary>
    public static async Task WriteAsync(AppDatabase app, string folder, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var connection = await app.OpenAsync(cancellation);
        var named = await connection.QueryAsync<string>(new CommandDefinition(
            """
            (SELECT blob_path FROM public.message_attachments ORDER BY id LIMIT @Named)
            UNION ALL (SELECT blob_path FROM public.project_files ORDER BY id LIMIT @Named)
            """, new { Named }, cancellationToken: cancellation));
        foreach (var path in named.Concat(Unnamed))
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, $"The sample file {path}.\n", cancellation);
            File.SetLastWriteTimeUtc(file, now.UtcDateTime.AddDays(-2));
        }
    }
}
