using System.Net.Mail;
using System.Text;
using JobPlatform.Handlers.Email;

namespace JobPlatform.Handlers.Tests.Email;

/// <summary>What a mail says after a real server has read it from the line.</summary>
public sealed class ContentTests
{
    private static readonly string Awkward = string.Join('\n',
        "Grüße, Ἑλλάς und 🎉 = 100 %", ".", "..", ".dots at the beginning", "From here", new string('x', 5000), "trailing blank ", "tab\t", "", "end");

    private static readonly string Cyrillic = string.Join('\n', "Здравствуйте, ваш счёт готов.", ".точка", new string('ж', 2000));

    [TestCaseSource(nameof(Bodies))]
    public async Task Bodies_arrive_as_they_were_written(string? text, string? html)
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        var id = await room.AddAsync("ada@example.com");
        await room.Database.ExecuteAsync("UPDATE jobplatform.pending_emails SET text_body = @text, html_body = @html", new { text, html });

        Assert.That((await room.RunAsync(Mailroom.To(server.Port))).Counts(), Is.EqualTo("1 0 0 0"));

        var kept = (await server.KillAsync()).Single();
        var mail = MimeText.Parse(kept.Data);
        var leaves = mail.Parts.Count == 0 ? [mail] : mail.Parts;
        Assert.Multiple(() =>
        {
            Assert.That(leaves.SingleOrDefault(part => part.Type == "text/plain")?.Body, Is.EqualTo(text));
            Assert.That(leaves.SingleOrDefault(part => part.Type == "text/html")?.Body, Is.EqualTo(html));
            Assert.That(mail.Type, Is.EqualTo(text is null ? "text/html" : html is null ? "text/plain" : "multipart/alternative"));
            Assert.That(mail.Parts.Select(part => part.Type), Is.Ordered.Descending, "of alternatives the last is the best: HTML after plain text");
            Assert.That(kept.Data.Split("\r\n").Max(line => line.Length), Is.LessThanOrEqualTo(78));
            Assert.That(Ascii.IsValid(kept.Data));
        });
        Assert.That(kept.Id, Is.EqualTo($"{(await room.RowAsync(id)).MessageId}@sender.example"));
    }

    public static IEnumerable<TestCaseData> Bodies()
    {
        yield return new TestCaseData(Awkward, "<p>Grüße 🎉</p>\n.<b>fett</b>").SetArgDisplayNames("text and html");
        yield return new TestCaseData(Awkward, null).SetArgDisplayNames("text");
        yield return new TestCaseData(null, Awkward).SetArgDisplayNames("html");
        yield return new TestCaseData(Cyrillic, $"<p>{Cyrillic}</p>").SetArgDisplayNames("mostly beyond ASCII");
        yield return new TestCaseData("", "").SetArgDisplayNames("empty");
    }

    [TestCase("Ihre Rechnung für März 🎉 liegt bereit", "Jörg Müller <rechnung@bücher.example>", "rechnung@xn--bcher-kva.example", "Jörg Müller")]
    [TestCase("plain", "\"Ada \\\"the first\\\", Countess\" <ada@sender.example>", "ada@sender.example", "Ada \"the first\", Countess")]
    [TestCase("=?utf-8?B?no?= encoded word", "bare@sender.example", "bare@sender.example", "")]
    [TestCase("  blanks around  ", "bare@sender.example", "bare@sender.example", "")]
    public async Task Subject_and_sender_arrive_as_they_were_written(string subject, string from, string sender, string name)
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        await room.AddAsync("ada@example.com");
        var longSubject = $"{subject} {new string('ü', 300)}";
        await room.AddAsync("ada@example.com");
        await room.Database.ExecuteAsync(
            "UPDATE jobplatform.pending_emails SET from_address = @from, subject = CASE id WHEN 1 THEN @subject ELSE @longSubject END", new { from, subject, longSubject });

        Assert.That((await room.RunAsync(Mailroom.To(server.Port))).Counts(), Is.EqualTo("2 0 0 0"));

        var kept = (await server.KillAsync()).ToList();
        var mails = kept.ConvertAll(mail => MimeText.Parse(mail.Data));
        Assert.Multiple(() =>
        {
            Assert.That(kept[0].From, Is.EqualTo(new MailAddress(from).Address).Or.EqualTo(sender), "the server shows international domains as people read them");
            Assert.That(mails[0].Headers["Subject"], Is.EqualTo(subject));
            Assert.That(mails[1].Headers["Subject"], Is.EqualTo(longSubject));
            Assert.That(mails[0].Headers["From"], Is.EqualTo(name.Length == 0 ? $"<{sender}>"
                : Ascii.IsValid(name) ? $"\"{name.Replace("\"", "\\\"", StringComparison.Ordinal)}\" <{sender}>" : $"{name} <{sender}>"));
            Assert.That(mails[0].Headers["Date"], Is.EqualTo("Mon, 02 Mar 2026 12:00:00 +0000"));
            Assert.That(kept.Select(mail => mail.Data.Split("\r\n\r\n")[0].Split("\r\n").Max(line => line.Length)), Has.All.LessThanOrEqualTo(78));
        });
    }

    [Test]
    public void Any_text_survives_writing()
    {
        var random = new Random(7);
        var alphabet = new[] { "a", " ", "\t", "\n", ".", "=", "ü", "🎉", "\u2028", "From ", "--=_jobplatform" };
        for (var round = 0; round < 500; round++)
        {
            var body = string.Concat(Enumerable.Range(0, random.Next(200)).Select(_ => alphabet[random.Next(alphabet.Length)]));
            var subject = string.Concat(Enumerable.Range(0, 1 + random.Next(80)).Select(_ => alphabet[random.Next(alphabet.Length)])).Replace('\n', ' ');
            var written = MailMessageWriter.Write(
                new ClaimedEmail { Id = 1, MessageId = "x", ToAddress = "a@example.com", Subject = subject, TextBody = body, HtmlBody = body, Attempts = 1, MaxAttempts = 5, ClaimedAt = default },
                new MailAddress("jobs@sender.example"), DateTimeOffset.UnixEpoch);
            var mail = MimeText.Parse(Encoding.UTF8.GetString(written.Content));
            Assert.That(mail.Parts.Select(part => part.Body), Is.EqualTo((string[])[body, body]), $"round {round}");
            Assert.That(mail.Headers["Subject"], Is.EqualTo(subject), $"round {round}");
        }
    }
}
