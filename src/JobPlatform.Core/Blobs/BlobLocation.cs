namespace JobPlatform.Core.Blobs;

/// <summary>Where blobs are (<c>BLOB_URL</c>). Immutable.</summary>
public abstract record BlobLocation
{
    private const string Form =
        "Give file:///var/lib/app/blobs, or s3://key:secret@host/bucket/folder?region=eu-central-1 with special characters percent-encoded " +
        "(without key:secret@ the credentials come from the machine; tls=false for a store without TLS).";

    private BlobLocation() { }

    /// <summary>A folder of this machine.</summary>
    public sealed record Folder(string Path) : BlobLocation;

    /// <summary>A bucket of an S3-compatible store.</summary>
    public sealed record Bucket : BlobLocation
    {
        /// <summary>The store's address, without the bucket.</summary>
        public required Uri Endpoint { get; init; }

        /// <summary>The bucket's name.</summary>
        public required string Name { get; init; }

        /// <summary>What all keys begin with, with a slash at its end; empty for the whole bucket.</summary>
        public string Prefix { get; init; } = "";

        /// <summary>The region that requests are signed for. Default <c>us-east-1</c>.</summary>
        public string Region { get; init; } = "us-east-1";

        /// <summary>The access key, null for the machine's own credentials.</summary>
        public string? AccessKey { get; init; }

        /// <summary>The secret of the access key.</summary>
        public string? SecretKey { get; init; }
    }

    /// <summary>Reads the address; the fault never shows the text.</summary>
    public static bool TryParse(string text, out BlobLocation? location, out string? fault)
    {
        (location, fault) = (null, null);
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var url)) fault = $"it is not an address. {Form}";
        else if (url.Scheme == "file") location = ReadFolder(url, out fault);
        else if (url.Scheme == "s3") location = ReadBucket(url, out fault);
        else fault = $"the scheme '{url.Scheme}' is not file or s3. {Form}";
        return fault is null;
    }

    private static Folder? ReadFolder(Uri url, out string? fault)
    {
        fault = url.Host.Length > 0 ? $"the host '{url.Host}' has no place in a file address: it begins with three slashes. {Form}"
            : url.LocalPath == "/" ? $"the root of the file system is no place for blobs. {Form}" : null;
        return fault is null ? new Folder(Path.TrimEndingDirectorySeparator(Path.GetFullPath(url.LocalPath))) : null;
    }

    private static Bucket? ReadBucket(Uri url, out string? fault)
    {
        fault = null;
        var (region, scheme) = ("us-east-1", "https");
        foreach (var option in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            if (option.StartsWith("region=", StringComparison.Ordinal) && option.Length > 7) region = Uri.UnescapeDataString(option[7..]);
            else if (option is "tls=false" or "tls=true") scheme = option == "tls=false" ? "http" : "https";
            else fault = $"the option '{option.Split('=')[0]}' is not region=… or tls=true or false. {Form}";
        }
        var names = url.AbsolutePath.Trim('/').Split('/', 2);
        var credentials = url.UserInfo.Split(':', 2);
        if (url.Host.Length == 0 || names[0].Length == 0) fault ??= $"it names no host or no bucket. {Form}";
        if (url.UserInfo.Length > 0 && credentials.Length < 2) fault ??= $"it has a key without a secret. {Form}";
        var prefix = names.Length == 2 ? Uri.UnescapeDataString(names[1]) : "";
        if (prefix.Length > 0 && !BlobPath.TryParse(prefix, out _, out var wrong)) fault ??= wrong;
        if (fault is not null) return null;
        return new Bucket
        {
            Endpoint = new Uri(url.IsDefaultPort || url.Port < 0 ? $"{scheme}://{url.Host}" : $"{scheme}://{url.Host}:{url.Port}"),
            Name = names[0],
            Prefix = prefix.Length == 0 ? "" : prefix + "/",
            Region = region,
            AccessKey = url.UserInfo.Length == 0 ? null : Uri.UnescapeDataString(credentials[0]),
            SecretKey = url.UserInfo.Length == 0 ? null : Uri.UnescapeDataString(credentials[1]),
        };
    }
}
