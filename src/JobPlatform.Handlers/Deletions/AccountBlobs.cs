using Dapper;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Database;

namespace JobPlatform.Handlers.Deletions;

/// <summary>Deletes the blobs of an account's chats and projects. One that a row of somebody else names, such as a copied chat's, stays.</summary>
internal sealed class AccountBlobs(AppDatabase app, IBlobStore blobs)
{
    private const int FoldersInPage = 500;

    public async Task DeleteAsync(long request, ErasureSteps steps, CancellationToken cancellation)
    {
        var (kind, last) = ("", 0L);
        while (true)
        {
            await using var connection = await app.OpenAsync(cancellation);
            var parts = (await connection.QueryAsync<(string Kind, long Id)>(new CommandDefinition(
                """
                SELECT kind, part_id FROM public.account_deletion_parts
                 WHERE request_id = @request AND kind IN ('chat', 'project') AND (kind, part_id) > (@kind, @last) ORDER BY kind, part_id LIMIT @FoldersInPage
                """, new { request, kind, last, FoldersInPage }, cancellationToken: cancellation))).AsList();
            if (parts.Count == 0) return;
            (kind, last) = parts[^1];
            foreach (var (partKind, id) in parts)
                await foreach (var page in blobs.ListAsync(BlobPath.Of($"{partKind}s", id), cancellation))
                {
                    var unnamed = (await connection.QueryAsync<string>(new CommandDefinition(
                        """
                        SELECT path FROM unnest(@paths) AS path
                         WHERE NOT EXISTS (SELECT FROM public.message_attachments a WHERE a.blob_path = path)
                           AND NOT EXISTS (SELECT FROM public.project_files f WHERE f.blob_path = path)
                        """, new { paths = page.Select(blob => blob.Path.Value).ToArray() }, cancellationToken: cancellation))).ToHashSet(StringComparer.Ordinal);
                    var gone = page.Where(blob => unnamed.Contains(blob.Path.Value)).Select(blob => blob.Path).ToList();
                    await blobs.DeleteAsync(gone, cancellation);
                    await steps.CountAsync(connection, "blobs", "blobs", gone.Count, cancellation);
                }
        }
    }
}
