namespace JobPlatform.Server.Tests.Cli;

public sealed class EmailsPreviewTests
{
    [Test]
    public async Task A_mail_is_shown_in_the_language_that_is_asked_for_as_text_or_HTML()
    {
        await using var cli = await CommandLineFixture.CreateAsync();

        var text = await cli.RunAsync("emails", "preview", "license-3-days", "--locale", "de");
        var html = await cli.RunAsync("emails", "preview", "license-3-days", "--locale", "fr-CA", "--html");

        Assert.That(text.Output, Does.StartWith("Subject: Ihre Lizenz für Desktop endet in 3 Tagen").And.Contain("Dienstag, 29. Februar 2028"));
        Assert.That(html.Output, Does.Contain("<html lang=\"fr\">").And.Contain("il reste"));
    }

    [Test]
    public async Task Without_a_name_all_mails_are_listed_and_unknown_names_and_languages_are_refused()
    {
        await using var cli = await CommandLineFixture.CreateAsync();

        Assert.That((await cli.RunAsync("emails", "preview")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(11));
        Assert.That((await cli.RunAsync("emails", "preview", "licence-3-days")).Errors, Does.Contain("There is no mail 'licence-3-days'. Did you mean"));
        Assert.That((await cli.RunAsync("emails", "preview", "admin", "--locale", "ja")).Errors, Does.Contain("there are no texts in 'ja'. Known: en, de, es, fr."));
    }
}
