using System.Text.Json;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Tests.Settings;

public sealed class SecretRedactorTests
{
    private static readonly SecretRedactor Redactor = new(["pass\"word\\1", "12345678", "umläutig-geheim"]);

    [Test]
    public void A_secret_with_characters_that_JSON_escapes_is_masked_in_names_and_texts()
    {
        var json = JsonSerializer.Serialize(new Dictionary<string, string> { ["a pass\"word\\1 b"] = "is pass\"word\\1, yes" });

        Assert.That(Redactor.RedactJson(json), Is.EqualTo("""{"a [secret] b":"is [secret], yes"}"""));
    }

    [Test]
    public void A_secret_of_digits_inside_a_number_leaves_JSON() =>
        Assert.That(Redactor.RedactJson("""{"n":[9123456789,1.5e3,true,null],"t":"12345678"}"""),
            Is.EqualTo("""{"n":["[secret]",1.5e3,true,null],"t":"[secret]"}"""));

    [Test]
    public void A_secret_written_in_escapes_is_masked_too() =>
        Assert.That(Redactor.RedactJson("""{"t":"uml\u00e4utig-geheim"}"""), Is.EqualTo("""{"t":"[secret]"}"""));

    [Test]
    public void What_PostgreSQL_cannot_keep_is_replaced() =>
        Assert.That(Redactor.RedactJson("""{"nul":"a\u0000b","half":"\ud800","backslash":"\\u0000"}"""),
            Is.EqualTo("{\"nul\":\"a\uFFFDb\",\"half\":\"\uFFFD\",\"backslash\":\"\\\\u0000\"}"));

    [Test]
    public void JSON_with_nothing_to_hide_stays_as_it_is()
    {
        const string json = """{ "a" : [1, "ü"] }""";
        Assert.That(Redactor.RedactJson(json), Is.SameAs(json));
    }

    [Test]
    public void A_password_inside_an_address_is_masked_alone_and_decoded()
    {
        var redactor = PlatformSettings.CreateRedactor(new ConfigurationBuilder().AddInMemoryCollection(
            [new("SMTP_URL", "smtp://me:mail%40secret@mail.example.com:587"), new("REDIS_URL", "redis://:redis-secret@localhost")]).Build());

        Assert.That(redactor.Redact("mail%40secret, mail@secret and redis-secret at mail.example.com"),
            Is.EqualTo("[secret], [secret] and [secret] at mail.example.com"));
    }
}
