using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using JobPlatform.Core.Blobs;

namespace JobPlatform.Handlers.Blobs;

/// <summary>Blobs as objects of a bucket of an S3-compatible store, under one prefix. Thread-safe.</summary>
public sealed class S3Blobs : IBlobStore, IDisposable
{
    // What one request may hold, by the protocol.
    private const int PageSize = 1000;

    private readonly BlobLocation.Bucket _bucket;
    private readonly AmazonS3Client _client;

    /// <param name="bucket">Where.</param>
    public S3Blobs(BlobLocation.Bucket bucket)
    {
        _bucket = bucket;
        var settings = new AmazonS3Config
        {
            ServiceURL = bucket.Endpoint.ToString(),
            AuthenticationRegion = bucket.Region,
            // Stores other than Amazon's know neither buckets in host names nor the newer checksums.
            ForcePathStyle = true,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            Timeout = TimeSpan.FromSeconds(30),
        };
        _client = bucket.AccessKey is { } key
            ? new AmazonS3Client(new BasicAWSCredentials(key, bucket.SecretKey), settings)
            : new AmazonS3Client(settings);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(IReadOnlyCollection<BlobPath> paths, CancellationToken cancellation)
    {
        foreach (var portion in paths.Chunk(PageSize))
            await UseAsync(() => _client.DeleteObjectsAsync(new DeleteObjectsRequest
            {
                BucketName = _bucket.Name,
                Objects = [.. portion.Select(path => new KeyVersion { Key = _bucket.Prefix + path.Value })],
                Quiet = true,
            }, cancellation));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<IReadOnlyList<Blob>> ListAsync(BlobPath? folder, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = _bucket.Name, MaxKeys = PageSize,
            Prefix = folder is { } inside ? $"{_bucket.Prefix}{inside}/" : _bucket.Prefix,
        };
        ListObjectsV2Response response;
        do
        {
            response = await UseAsync(() => _client.ListObjectsV2Async(request, cancellation));
            var page = new List<Blob>();
            foreach (var entry in response.S3Objects ?? [])
                // Keys that no row can hold, such as the empty ones that stand for folders, are not the application's.
                if (BlobPath.TryParse(entry.Key[_bucket.Prefix.Length..], out var path, out _))
                    page.Add(new(path, entry.LastModified!.Value.ToUniversalTime(), entry.Size ?? 0));
            if (page.Count > 0) yield return page;
            request.ContinuationToken = response.NextContinuationToken;
        }
        while (response.IsTruncated == true);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<T> UseAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (DeleteObjectsException e)
        {
            var first = e.Response.DeleteErrors[0];
            throw new BlobException($"The bucket {_bucket.Name} refuses to delete {e.Response.DeleteErrors.Count} blobs, such as {first.Key}: {first.Message} ({first.Code}). Check the key's rights.", e);
        }
        catch (AmazonServiceException e)
        {
            throw new BlobException($"The bucket {_bucket.Name} at {_bucket.Endpoint.Authority} cannot be used: {e.Message} ({e.ErrorCode}). Check BLOB_URL and the key's rights.", e);
        }
        catch (Exception e) when (e is HttpRequestException or AmazonClientException)
        {
            throw new BlobException($"The bucket {_bucket.Name} at {_bucket.Endpoint.Authority} cannot be reached: {e.Message} Check BLOB_URL.", e);
        }
    }
}
