using System.Runtime.CompilerServices;
using JobPlatform.Core.Blobs;

namespace JobPlatform.Handlers.Blobs;

/// <summary>
/// Blobs as files under one folder. A link under it is neither followed nor listed nor deleted: it could lead anywhere.
/// (Who can write into the folder can swap a folder for a link between the look and the deletion; such a writer is the
/// application itself.) Thread-safe.
/// </summary>
public sealed class FolderBlobs(string root) : IBlobStore
{
    private const int PageSize = 1000;

    private static readonly EnumerationOptions Everything = new()
    {
        RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false,
    };

    /// <inheritdoc/>
    public Task DeleteAsync(IReadOnlyCollection<BlobPath> paths, CancellationToken cancellation) => Task.Run(() =>
    {
        foreach (var path in paths)
        {
            cancellation.ThrowIfCancellationRequested();
            Use(() => Delete(path));
        }
    }, cancellation);

    /// <inheritdoc/>
    public async IAsyncEnumerable<IReadOnlyList<Blob>> ListAsync(BlobPath? folder, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var start = folder is { } inside ? FindPlace(inside) : root;
        if (start is null || !Directory.Exists(start)) yield break;
        using var files = Use(() => Directory.EnumerateFiles(start, "*", Everything).GetEnumerator());
        while (true)
        {
            // The disk blocks its thread: not the handler's.
            var page = await Task.Run(() => Use(() => ReadPage(files)), cancellation);
            if (page.Count > 0) yield return page;
            if (page.Count < PageSize) yield break;
        }
    }

    private List<Blob> ReadPage(IEnumerator<string> files)
    {
        var page = new List<Blob>();
        while (page.Count < PageSize && files.MoveNext())
        {
            var file = new FileInfo(files.Current);
            // Gone meanwhile, or of a name that no row can hold: not the store's own.
            if (file.Exists && BlobPath.TryParse(Path.GetRelativePath(root, file.FullName).Replace(Path.DirectorySeparatorChar, '/'), out var path, out _))
                page.Add(new(path, file.LastWriteTimeUtc, file.Length));
        }
        return page;
    }

    private void Delete(BlobPath path)
    {
        if (FindPlace(path) is not { } file || !File.Exists(file)) return;
        File.Delete(file);
        // Folders that are empty now go too, up to the root. The system refuses one that somebody has put a file into meanwhile.
        for (var folder = Path.GetDirectoryName(file)!; folder.Length > root.Length && !Directory.EnumerateFileSystemEntries(folder).Any(); folder = Path.GetDirectoryName(folder)!)
            Directory.Delete(folder);
    }

    /// <summary>The place on the disk; null when a link is on the way.</summary>
    private string? FindPlace(BlobPath path)
    {
        var place = root;
        foreach (var name in path.Value.Split('/'))
        {
            place = Path.Combine(place, name);
            var info = new FileInfo(place);
            if (info.LinkTarget is not null) return null;
        }
        return place.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? place : null;
    }

    private void Use(Action work) => Use(() =>
    {
        work();
        return true;
    });

    private T Use<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BlobException($"The blobs in {root} cannot be used: {e.Message} Check BLOB_URL and the rights of the folder.", e);
        }
    }
}
