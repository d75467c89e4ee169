namespace JobPlatform.Core.Blobs;

/// <summary>A stored blob.</summary>
/// <param name="Path">Its place.</param>
/// <param name="StoredAt">When it was stored last, by the store's clock.</param>
/// <param name="Bytes">Its length.</param>
public sealed record Blob(BlobPath Path, DateTimeOffset StoredAt, long Bytes);

/// <summary>Where the application stores files (<c>BLOB_URL</c>): a folder or a bucket. Thread-safe.</summary>
public interface IBlobStore
{
    /// <summary>Deletes blobs; those that are not there are no fault.</summary>
    /// <param name="paths">Any number; a store takes them in portions of its own.</param>
    /// <param name="cancellation">Ends it between two portions; what is deleted stays deleted.</param>
    /// <exception cref="BlobException">The store refuses; the others may have been deleted.</exception>
    Task DeleteAsync(IReadOnlyCollection<BlobPath> paths, CancellationToken cancellation);

    /// <summary>All blobs in a folder and its folders, as a stream of pages of at most 1000.</summary>
    /// <param name="folder">Null for the whole store; one that is not there is empty.</param>
    /// <param name="cancellation">Ends it.</param>
    IAsyncEnumerable<IReadOnlyList<Blob>> ListAsync(BlobPath? folder, CancellationToken cancellation);
}

/// <summary>The store cannot be used; one sentence with the remedy, without credentials.</summary>
public sealed class BlobException(string message, Exception? inner = null) : Exception(message, inner);
