using JobPlatform.Core.Blobs;
using JobPlatform.Handlers.Blobs;

namespace JobPlatform.Handlers.Tests.Blobs;

public sealed class FolderBlobsTests
{
    [Test]
    public async Task A_link_is_neither_followed_nor_listed_and_what_it_leads_to_stays()
    {
        var root = Directory.CreateTempSubdirectory("jobplatform-root-").FullName;
        var outside = Directory.CreateTempSubdirectory("jobplatform-outside-").FullName;
        await File.WriteAllTextAsync(Path.Combine(outside, "secret.txt"), "s");
        Directory.CreateSymbolicLink(Path.Combine(root, "chats"), outside);
        File.CreateSymbolicLink(Path.Combine(root, "file.txt"), Path.Combine(outside, "secret.txt"));
        var store = new FolderBlobs(root);

        await store.DeleteAsync([Parse("chats/secret.txt"), Parse("file.txt")], CancellationToken.None);
        var listed = new List<Blob>();
        await foreach (var page in store.ListAsync(null, CancellationToken.None)) listed.AddRange(page);
        await foreach (var page in store.ListAsync(Parse("chats"), CancellationToken.None)) listed.AddRange(page);

        Assert.That(File.Exists(Path.Combine(outside, "secret.txt")), Is.True);
        Assert.That(listed, Is.Empty);
        Directory.Delete(root, recursive: true);
        Directory.Delete(outside, recursive: true);
    }

    [Test]
    public async Task Folders_that_are_empty_go_with_their_last_blob_and_the_root_stays()
    {
        var root = Directory.CreateTempSubdirectory("jobplatform-root-").FullName;
        Directory.CreateDirectory(Path.Combine(root, "chats", "5", "deep"));
        await File.WriteAllTextAsync(Path.Combine(root, "chats", "5", "deep", "a.txt"), "a");
        var store = new FolderBlobs(root);

        await store.DeleteAsync([Parse("chats/5/deep/a.txt"), Parse("chats/5/deep/a.txt"), Parse("never/there.txt")], CancellationToken.None);

        Assert.That(Directory.EnumerateFileSystemEntries(root), Is.Empty);
        Directory.Delete(root);
    }

    private static BlobPath Parse(string text) => BlobPath.TryParse(text, out var path, out var fault) ? path : throw new ArgumentException(fault);
}
