using JobPlatform.Core.Blobs;

namespace JobPlatform.Handlers.Tests.Blobs;

public sealed class BlobPathTests
{
    [TestCase("..")]
    [TestCase("../secret")]
    [TestCase("chats/../../secret")]
    [TestCase("chats/5/..")]
    [TestCase("./a")]
    [TestCase("/etc/passwd")]
    [TestCase("//host/share")]
    [TestCase("a//b")]
    [TestCase("a/")]
    [TestCase("")]
    [TestCase("..\\secret")]
    [TestCase("a\\..\\b")]
    [TestCase("C:/windows")]
    [TestCase("a:stream")]
    [TestCase("%2e%2e/secret")]
    [TestCase("%2E%2e/secret")]
    [TestCase("..%2fsecret")]
    [TestCase("..%5csecret")]
    [TestCase("%252e%252e/secret")]
    [TestCase("%c0%ae%c0%ae/secret/..")]
    [TestCase("．．/secret")]
    [TestCase("‥/secret")]
    [TestCase("a／..／b")]
    [TestCase("a\0b")]
    [TestCase("a\nb")]
    [TestCase("a\u0085b")]
    [TestCase("...")]
    [TestCase("a. /b")]
    [TestCase(" a")]
    public void A_path_that_could_leave_the_store_is_refused(string text)
    {
        Assert.That(BlobPath.TryParse(text, out _, out var fault), Is.False);
        Assert.That(fault, Is.Not.Empty.And.Not.Contain('\0').And.Not.Contain('\n'));
    }

    [Test]
    public void A_path_that_is_too_long_or_holds_half_a_character_is_refused()
    {
        Assert.That(BlobPath.TryParse(new string('ä', 513), out _, out _), Is.False);
        Assert.That(BlobPath.TryParse("half" + '\uD83D', out _, out _), Is.False);
    }

    [TestCase("chats/5/plan.pdf")]
    [TestCase("a")]
    [TestCase(".hidden/..a/b..c")]
    [TestCase("chats/5/Übersicht 2026 (Entwurf) 100%.pdf")]
    [TestCase("chats/5/😀.png")]
    [TestCase("50%25/x")]
    public void An_ordinary_path_is_taken_as_it_is(string text)
    {
        Assert.That(BlobPath.TryParse(text, out var path, out var fault), Is.True, fault);
        Assert.That(path.Value, Is.EqualTo(text));
    }

    [TestCase("file:///var/lib/app/blobs/", null)]
    [TestCase("s3://key:secret@host:9000/bucket/some/folder?region=eu-central-1&tls=false", null)]
    [TestCase("s3://s3.eu-central-1.amazonaws.com/bucket", null)]
    [TestCase("file:///", "the root of the file system")]
    [TestCase("file://host/share", "the host 'host' has no place")]
    [TestCase("s3://key@host/bucket", "a key without a secret")]
    [TestCase("s3://key:secret@host/", "no host or no bucket")]
    [TestCase("s3://key:secret@host/bucket/a%2F..%2Fx", "goes to another folder")]
    [TestCase("s3://key:secret@host/bucket?tls=maybe", "the option 'tls'")]
    [TestCase("ftp://host/x", "the scheme 'ftp' is not file or s3")]
    [TestCase("blobs", "it is not an address")]
    public void A_location_is_read_or_refused_with_a_sentence_that_shows_no_secret(string url, string? expected)
    {
        Assert.That(BlobLocation.TryParse(url, out _, out var fault), Is.EqualTo(expected is null), fault);
        if (expected is not null) Assert.That(fault, Does.Contain(expected).And.Not.Contain(":secret@host:9000"));
    }
}
