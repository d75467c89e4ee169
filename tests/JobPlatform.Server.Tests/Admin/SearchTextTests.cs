using JobPlatform.Web.Admin.Search;

namespace JobPlatform.Server.Tests.Admin;

public sealed class SearchTextTests
{
    private static readonly string[] Keys = ["status", "handler", "text"];

    [TestCase("", "", null)]
    [TestCase("status:failed", "status=failed", null)]
    [TestCase("  two   words ", "", "two words")]
    [TestCase("one status:failed two handler:x", "status=failed handler=x", "one two")]
    [TestCase("text:\"in quotes\" more", "text=in quotes", "more")]
    [TestCase("\"in quotes\"", "", "in quotes")]
    [TestCase("text:\"never closed", "text=never closed", null)]
    [TestCase("http://example.com:8080/a", null, null)]
    [TestCase("12:30", "", "12:30")]
    [TestCase("status:a:b", "status=a:b", null)]
    public void A_text_is_read_into_filters_and_words(string text, string? values, string? words)
    {
        var search = SearchText.Parse(text, Keys);

        Assert.Multiple(() =>
        {
            Assert.That(search.Faults, values is null ? Is.Not.Empty : Is.Empty);
            Assert.That(string.Join(' ', search.Values.Select(pair => $"{pair.Key}={pair.Value}")), Is.EqualTo(values ?? ""));
            Assert.That(search.Words, Is.EqualTo(words));
        });
    }

    [TestCase("stauts:failed", "stauts: there is no such filter. Did you mean status? Known: status, handler, text.")]
    [TestCase("status:", "status: the value behind the colon is missing.")]
    [TestCase("status:a status:b", "status: it is there twice. One value each.")]
    public void A_fault_names_the_filter_and_the_remedy(string text, string fault) =>
        Assert.That(SearchText.Parse(text, Keys).Faults, Is.EqualTo(new[] { fault }));

    [TestCase("status:failed words", "handler", "x", "handler:x status:failed words")]
    [TestCase("status:failed words", "status", "success", "status:success words")]
    [TestCase("status:failed words", "status", null, "words")]
    [TestCase("text:\"a b\"", "status", "x", "status:x text:\"a b\"")]
    public void One_filter_is_set_or_taken_out_and_the_rest_stays(string text, string key, string? value, string expected) =>
        Assert.That(SearchText.With(text, key, value), Is.EqualTo(expected));
}
