using JobPlatform.Core.Settings;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Tests;

public sealed class SmtpSettingsTests
{
    [TestCase("smtp://mail.example.com", "mail.example.com:587", null, "", StartTls.Auto)]
    [TestCase("smtp://me%40example.com:p%40%C3%A4%3A%2F@mail.example.com", "mail.example.com:587", "me@example.com", "p@ä:/", StartTls.Required)]
    [TestCase("smtp://me:pw@mail.example.com:2525?starttls=OFF", "mail.example.com:2525", "me", "pw", StartTls.Off)]
    [TestCase("smtp://me:pw@mail.example.com/?starttls=auto", "mail.example.com:587", "me", "pw", StartTls.Auto)]
    [TestCase("smtp://me:pw@127.0.0.1:1025", "127.0.0.1:1025", "me", "pw", StartTls.Auto)]
    [TestCase("smtp://localhost:1025?starttls=required", "localhost:1025", null, "", StartTls.Required)]
    [TestCase("smtp://[::1]:1025", "::1:1025", null, "", StartTls.Auto)]
    public void An_address_says_server_login_and_encryption(string url, string server, string? user, string password, StartTls startTls)
    {
        var settings = Read(url, "Jobs <jobs@example.com>");

        Assert.That(settings.Faults.Where(IsMail), Is.Empty);
        var read = settings.Smtp.Server!;
        Assert.That((read.ToString(), read.User, read.Password, read.StartTls), Is.EqualTo((server, user, password, startTls)));
        Assert.That(settings.Smtp.From!.Address, Is.EqualTo("jobs@example.com"));
    }

    [TestCase("smtps://me:pw-secret@mail.example.com", "Use port 587")]
    [TestCase("smtp://me:pw-secret@mail.example.com:465", "Use port 587")]
    [TestCase("https://me:pw-secret@mail.example.com", "the scheme 'https' is not smtp")]
    [TestCase("mail.example.com:587", "it is not an address")]
    [TestCase("smtp://me:pw-secret@mail.example.com?starttls=maybe", "starttls=required, starttls=auto or starttls=off")]
    [TestCase("smtp://me:pw-secret@mail.example.com?starttls=1", "starttls=required, starttls=auto or starttls=off")]
    [TestCase("smtp://me:pw-secret@mail.example.com?starttls=-1", "starttls=required, starttls=auto or starttls=off")]
    [TestCase("smtp://me:pw-secret@mail.example.com?starttls=auto,off", "starttls=required, starttls=auto or starttls=off")]
    [TestCase("smtp://me:pw-secret@mail.example.com?tls=off", "starttls=required, starttls=auto or starttls=off")]
    [TestCase("smtp://me:pw-secret@mail.example.com/x", "it has a path")]
    public void A_wrong_address_is_a_fault_that_shows_no_secret(string url, string sentence)
    {
        var fault = Read(url, "jobs@example.com").Faults.Single(IsMail);

        Assert.That(fault, Does.StartWith("SMTP_URL: ").And.Contain(sentence).And.Not.Contain("pw-secret"));
    }

    [Test]
    public void A_server_needs_a_sender_and_a_sender_must_be_an_address()
    {
        Assert.That(Read("smtp://mail.example.com", null).Faults.Single(IsMail), Does.StartWith("MAIL_FROM: it is not set, and SMTP_URL is."));
        Assert.That(Read("smtp://mail.example.com", "nobody").Faults.Single(IsMail), Does.StartWith("MAIL_FROM: 'nobody' is not an address"));
        Assert.That(Read(null, null).Faults.Where(IsMail), Is.Empty);
        Assert.That(Read(null, null).Smtp.Server, Is.Null);
    }

    [Test]
    public void The_password_is_masked_in_every_text_also_when_it_is_percent_encoded_in_the_address()
    {
        var redactor = PlatformSettings.CreateRedactor(Configure("smtp://me:long%40password@mail.example.com", null));

        Assert.That(redactor.Redact("said long@password"), Is.EqualTo("said [secret]"));
        Assert.That($"{Read("smtp://me:long%40password@mail.example.com", "a@example.com").Smtp}", Does.Not.Contain("password"));
    }

    private static bool IsMail(string fault) => fault.StartsWith("SMTP_URL", StringComparison.Ordinal) || fault.StartsWith("MAIL_FROM", StringComparison.Ordinal);

    private static PlatformSettings Read(string? url, string? from) => PlatformSettings.Read(Configure(url, from));

    private static IConfiguration Configure(string? url, string? from) => new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?> { ["SMTP_URL"] = url, ["MAIL_FROM"] = from }).Build();
}
