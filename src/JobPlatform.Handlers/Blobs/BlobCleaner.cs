using Dapper;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Handlers.Purging;

namespace JobPlatform.Handlers.Blobs;

/// <summary>Deletes the blobs that no row of the application names. Thread-safe.</summary>
public sealed class BlobCleaner(IBlobStore store, AppDatabase app, Purger purger)
{
    /// <summary>The tables that name blobs, which a handler that uses this needs.</summary>
    internal const string Attachments = "public.message_attachments";

    /// <inheritdoc cref="Attachments"/>
    internal const string ProjectFiles = "public.project_files";

    /// <summary>Looks through folders page by page and deletes what is not named; with the limits and the safety stop of every purge.</summary>
    /// <param name="folders">Where; null for the whole store.</param>
    /// <param name="storedBefore">Blobs stored later stay: their row may not be committed yet. Null for blobs of any age.</param>
    /// <param name="config">Limits.</param>
    /// <param name="run">The run.</param>
    /// <param name="cancellation">Ends it between two pages.</param>
    public async Task<RunOutcome> RunAsync(
        IReadOnlyList<BlobPath?> folders, DateTimeOffset? storedBefore, PurgeConfig config, RunContext run, CancellationToken cancellation)
    {
        var due = await SweepAsync(folders, storedBefore, config with { DryRun = true }, run, cancellation);
        if (config.DryRun) return RunOutcome.Success(new { dry_run = true, would_delete = due.Count, bytes = due.Bytes });
        if (await purger.FindSafetyStopAsync(config, run, due.Count, cancellation) is { } stop) return stop;
        var done = await SweepAsync(folders, storedBefore, config, run, cancellation);
        return RunOutcome.Success(new { deleted = done.Count, bytes = done.Bytes });
    }

    private async Task<(long Count, long Bytes)> SweepAsync(
        IReadOnlyList<BlobPath?> folders, DateTimeOffset? storedBefore, PurgeConfig config, RunContext run, CancellationToken cancellation)
    {
        var (count, bytes) = (0L, 0L);
        foreach (var folder in folders)
            await foreach (var page in store.ListAsync(folder, cancellation))
            {
                var old = page.Where(blob => storedBefore is null || blob.StoredAt < storedBefore).ToDictionary(blob => blob.Path.Value, StringComparer.Ordinal);
                var left = (int)Math.Min(old.Count, (config.MaxRows ?? long.MaxValue) - count);
                var orphans = (await FindUnnamedAsync([.. old.Keys], cancellation)).Take(left).Select(path => old[path]).ToList();
                foreach (var portion in orphans.Chunk(config.BatchSize))
                {
                    if (!config.DryRun) await store.DeleteAsync(Array.ConvertAll(portion, blob => blob.Path), cancellation);
                    (count, bytes) = (count + portion.Length, bytes + portion.Sum(blob => blob.Bytes));
                    run.ReportProgress(count, note: config.DryRun ? $"{count:N0} blobs found" : $"{count:N0} blobs deleted");
                }
            }
        return (count, bytes);
    }

    private async Task<IEnumerable<string>> FindUnnamedAsync(string[] paths, CancellationToken cancellation)
    {
        if (paths.Length == 0) return [];
        await using var connection = await app.OpenAsync(cancellation);
        return await connection.QueryAsync<string>(new CommandDefinition(
            """
            SELECT path FROM unnest(@paths) AS path
             WHERE NOT EXISTS (SELECT FROM public.message_attachments a WHERE a.blob_path = path)
               AND NOT EXISTS (SELECT FROM public.project_files f WHERE f.blob_path = path)
            """, new { paths }, cancellationToken: cancellation));
    }
}
