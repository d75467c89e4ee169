using JobPlatform.Core.Blobs;

namespace JobPlatform.Handlers.Blobs;

/// <summary>Where no place for blobs is set: says so to whoever wants one.</summary>
public sealed class MissingBlobs : IBlobStore
{
    /// <inheritdoc/>
    public Task DeleteAsync(IReadOnlyCollection<BlobPath> paths, CancellationToken cancellation) => throw Missing();

    /// <inheritdoc/>
    public IAsyncEnumerable<IReadOnlyList<Blob>> ListAsync(BlobPath? folder, CancellationToken cancellation) => throw Missing();

    private static BlobException Missing() =>
        new("BLOB_URL is not set, so that nobody knows where the blobs are. Set it to file:///var/lib/app/blobs or to an s3:// address, or disable the job.");
}
