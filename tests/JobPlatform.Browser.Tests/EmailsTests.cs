namespace JobPlatform.Browser.Tests;

public sealed class EmailsTests : PageTests
{
    [Test]
    public async Task Mails_are_found_by_their_state_and_canceled_and_sent_again()
    {
        var to = $"{NewName("mail")}@example.com";
        await Setup.Database.ExecuteAsync(
            "INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, run_at) VALUES (@to, 'A subject', 'a body', now() + interval '1 day')", new { to });
        await Page.GotoAsync("/admin/emails");
        await Link("Pending").ClickAsync();
        await Expect(Row(to)).ToContainTextAsync("A subject");
        await Expect(Page.GetByText("a body")).ToHaveCountAsync(0);

        await Button($"Cancel the mail to {to}").ClickAsync();
        await Expect(Page.GetByText($"The mail to {to} is taken out of the queue.")).ToBeVisibleAsync();
        await Expect(Row(to)).ToHaveCountAsync(0);
        await Link("Canceled").ClickAsync();
        await Button($"Retry the mail to {to}").ClickAsync();
        await Expect(Page.GetByText($"The mail to {to} is queued again.")).ToBeVisibleAsync();
        Assert.That(await Setup.Database.ScalarAsync<string>("SELECT status FROM jobplatform.pending_emails WHERE to_address = @to", new { to }), Is.EqualTo("pending"));
    }

    [Test]
    public async Task The_platforms_own_mails_are_shown_in_each_language_as_html_and_as_text()
    {
        await Page.GotoAsync("/admin/emails");
        await Link("The platform's own mails").ClickAsync();
        await Link("account-deleted").ClickAsync();
        var mail = Page.FrameLocator("iframe");
        await Expect(mail.GetByText("Ada Lovelace")).ToBeVisibleAsync();
        await Expect(mail.Locator("body")).ToHaveCSSAsync("background-color", "rgb(244, 245, 247)");
        await Expect(Page.Locator("#text")).ToContainTextAsync("Ada Lovelace");

        await Link("Deutsch").ClickAsync();
        await Expect(mail.Locator("html")).ToHaveAttributeAsync("lang", "de");
        await Expect(Page.Locator("#text")).ToContainTextAsync("Konto");
    }

    [Test]
    public async Task An_unknown_state_names_the_ones_that_there_are()
    {
        await Page.GotoAsync("/admin/emails?q=status%3Alost");
        await Expect(Page.GetByText("status: 'lost' is not one of pending, processing, sent, failed, canceled.")).ToBeVisibleAsync();
    }
}
