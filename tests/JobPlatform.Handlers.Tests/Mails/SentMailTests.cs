using JobPlatform.Handlers.Tests.Billing;
using JobPlatform.Handlers.Tests.Email;
using JobPlatform.Mails;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Mails;

public sealed class SentMailTests
{
    [Test]
    public async Task A_notice_goes_through_SMTP_and_arrives_as_it_was_written_in_both_parts()
    {
        await using var server = await MailServer.StartAsync();
        await using var bench = await BillingBench.CreateAsync("process-pending-emails", configure: services => services.AddSingleton(Mailroom.To(server.Port)));
        var notice = MailPreviews.All["license-expired"];
        var expected = await MailRenderer.RenderAsync(notice, Texts.For("fr"));

        await bench.Get<Mailer>().QueueAsync("ada@example.com", notice, [null, "fr"], "key-1", "license", default);
        await bench.Get<Mailer>().QueueAsync("ada@example.com", notice, [null, "fr"], "key-1", "license", default);
        // Queued by the database's clock, a moment after the bench's stands still.
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        await bench.RunAsync();

        var mail = MimeText.Parse((await server.KillAsync()).Single().Data);
        Assert.Multiple(() =>
        {
            Assert.That(mail.Headers["Subject"], Is.EqualTo("Votre licence Desktop a expiré").And.EqualTo(expected.Subject));
            Assert.That(mail.Type, Is.EqualTo("multipart/alternative"));
            Assert.That(mail.Parts.Select(part => part.Type), Is.EqualTo((string[])["text/plain", "text/html"]));
            Assert.That(mail.Parts[0].Body.ReplaceLineEndings("\n").TrimEnd(), Is.EqualTo(expected.Text.TrimEnd()));
            Assert.That(mail.Parts[1].Body.ReplaceLineEndings("\n").TrimEnd(), Is.EqualTo(expected.Html.ReplaceLineEndings("\n").TrimEnd()));
        });
    }
}
