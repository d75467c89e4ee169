namespace JobPlatform.Core.Tests;

public sealed class StorableTextTests
{
    [TestCase("plain ü 😀", 100, "plain ü 😀")]
    [TestCase("ab😀", 3, "ab…")]
    [TestCase("ab😀c", 4, "ab😀…")]
    [TestCase("a\0b", 100, "a\uFFFDb")]
    public void It_keeps_whole_characters_and_cuts_between_them(string text, int limit, string clean) =>
        Assert.That(StorableText.Clean(text, limit), Is.EqualTo(clean));

    // Not as cases: half a pair does not survive the way through the test runner.
    [Test]
    public void Half_a_surrogate_pair_becomes_the_replacement_character()
    {
        Assert.That(StorableText.Clean("a" + '\uD83D'), Is.EqualTo("a\uFFFD"));
        Assert.That(StorableText.Clean('\uDE00' + "😀"), Is.EqualTo("\uFFFD😀"));
    }
}
