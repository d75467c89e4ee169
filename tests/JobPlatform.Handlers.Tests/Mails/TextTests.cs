using System.Collections;
using System.Globalization;
using JobPlatform.Core.Settings;
using JobPlatform.Mails;
using JobPlatform.Mails.Messages;

namespace JobPlatform.Handlers.Tests.Mails;

public sealed class TextTests
{
    [Test]
    public async Task Every_mail_in_every_language_is_whole_in_both_parts()
    {
        foreach (var (name, message) in MailPreviews.All)
        foreach (var language in MailSettings.Languages)
        {
            var mail = await MailRenderer.RenderAsync(message, Texts.For(language));
            var what = $"{name} in {language}";
            Assert.That(mail.Subject, Is.Not.Empty, what);
            Assert.That(mail.Html, Does.Contain($"<html lang=\"{language}\">").And.Contain("</html>"), what);
            Assert.That(mail.Html + mail.Text + mail.Subject, Does.Not.Contain("{0").And.Not.Contain("{1").And.Not.Contain("{2"), what);
            // The same source: what one part says, the other says.
            var words = new BodyWords(mail.Html).Words();
            Assert.That(mail.Text.Split((char[])[' ', '\n', ':'], StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(words), what);
        }
    }

    [Test]
    public void Every_language_has_a_text_of_its_own_for_every_key()
    {
        var english = Read("");
        foreach (var language in MailSettings.Languages.Skip(1))
        {
            var texts = Read(language);
            Assert.That(texts.Keys, Is.EquivalentTo(english.Keys), language);
            foreach (var (key, text) in texts)
            {
                Assert.That(text, Is.Not.EqualTo(english[key]), $"{key} is not translated into {language}");
                Assert.That(PlacesOf(text), Is.EquivalentTo(PlacesOf(english[key])), $"{key} in {language}");
            }
        }
    }

    [TestCase("de", "de-AT", "fr", ExpectedResult = "de")]
    [TestCase(null, "es", "fr", ExpectedResult = "es")]
    [TestCase("ja", "", "fr", ExpectedResult = "fr")]
    [TestCase("xx", null, null, ExpectedResult = "en")]
    [TestCase("FR_ca", null, null, ExpectedResult = "fr")]
    [TestCase("de-NOWHERE-AT-ALL", null, null, ExpectedResult = "de")]
    public string The_locale_is_the_payloads_else_the_owners_else_the_default(string? payload, string? profile, string? fallback) =>
        Texts.For(payload, profile, fallback).Language;

    [TestCase("en", 0, "Ada: only 0 credits left")]
    [TestCase("en", 1, "Ada: only 1 credit left")]
    [TestCase("en", 1234, "Ada: only 1,234 credits left")]
    [TestCase("de", 1, "Ada: nur noch 1 Guthabenpunkt")]
    [TestCase("de", 1234, "Ada: nur noch 1.234 Guthabenpunkte")]
    [TestCase("es", 1, "Ada: solo queda 1 crédito")]
    [TestCase("es", 2, "Ada: solo quedan 2 créditos")]
    [TestCase("fr", 0, "Ada : plus que 0 crédit")]
    [TestCase("fr", 1, "Ada : plus que 1 crédit")]
    [TestCase("fr", 2, "Ada : plus que 2 crédits")]
    public void Numbers_and_plurals_are_the_cultures(string language, int credits, string subject) =>
        Assert.That(new LowCreditsNotice { Name = "A", Account = "Ada", Credits = credits, Threshold = 5000 }.TitleIn(Texts.For(language)), Is.EqualTo(subject));

    [TestCase("en", "Tuesday, February 29, 2028")]
    [TestCase("en-GB", "Tuesday, 29 February 2028")]
    [TestCase("de", "Dienstag, 29. Februar 2028")]
    [TestCase("es", "martes, 29 de febrero de 2028")]
    [TestCase("fr", "mardi 29 février 2028")]
    public void Days_are_the_cultures(string locale, string day) =>
        Assert.That(Texts.For(locale).Day(new DateTimeOffset(2028, 3, 1, 0, 30, 0, TimeSpan.FromHours(1))).Replace("Tuesday 29", "Tuesday, 29", StringComparison.Ordinal), Is.EqualTo(day));

    [TestCase("en", 123456, "usd", "$1,234.56")]
    [TestCase("en", 123456, "chf", "CHF 1,234.56")]
    [TestCase("en", 123456, "jpy", "¥123,456")]
    [TestCase("de", 123456, "eur", "1.234,56 €")]
    [TestCase("de", 123456, "jpy", "123.456 ¥")]
    [TestCase("fr", 123456, "eur", "1 234,56 €")]
    [TestCase("es", 123456, "eur", "1.234,56 €")]
    [TestCase("en", 123456, "kwd", "KWD 123.456")]
    [TestCase("en", 50000, "isk", "ISK 500")]
    [TestCase("en", 1234.5, "usd", "$12.35")]
    public void Money_is_written_with_its_currencys_decimals_in_the_cultures_form(string locale, decimal minor, string currency, string text) =>
        Assert.That(string.Join(' ', Texts.For(locale).Money(minor, currency).Split((char[])[' ', '\u00A0', '\u202F'], StringSplitOptions.None)), Is.EqualTo(text));

    [Test]
    public async Task Names_that_people_chose_are_text_in_HTML_and_cannot_break_the_subject()
    {
        var notice = new DeletionNotice { Name = "<script>alert(1)</script>", Account = "A\r\nBcc: x@example.com", IsOrganisation = true, RequestedAt = TimeProvider.System.GetUtcNow() };

        var mail = await MailRenderer.RenderAsync(notice, Texts.For("en"));

        Assert.That(mail.Html, Does.Not.Contain("<script>"));
        Assert.That(mail.Text, Does.Contain("<script>alert(1)</script>"));
        Assert.That(mail.Subject, Is.EqualTo("Your organisation A Bcc: x@example.com has been deleted"));
    }

    private static Dictionary<string, string> Read(string language) =>
        Texts.Resources.GetResourceSet(CultureInfo.GetCultureInfo(language), createIfNotExists: true, tryParents: false)!
            .Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!);

    private static IEnumerable<string> PlacesOf(string text) =>
        System.Text.RegularExpressions.Regex.Matches(text, @"\{\d\}").Select(match => match.Value).Distinct();

    /// <summary>The words of a body, found by the XML reader, which knows nothing of how the text part is made.</summary>
    private sealed class BodyWords(string html)
    {
        public IEnumerable<string> Words()
        {
            var body = html[html.IndexOf("<body", StringComparison.Ordinal)..html.IndexOf("</html>", StringComparison.Ordinal)];
            var xml = System.Xml.Linq.XElement.Parse(body, System.Xml.Linq.LoadOptions.PreserveWhitespace);
            return xml.DescendantNodes().OfType<System.Xml.Linq.XText>().SelectMany(text => text.Value.Split((char[])[' ', '\n', '\r', ':'], StringSplitOptions.RemoveEmptyEntries));
        }
    }
}
