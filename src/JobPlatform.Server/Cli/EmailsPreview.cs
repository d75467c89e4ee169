using System.CommandLine;
using JobPlatform.Core;
using JobPlatform.Core.Settings;
using JobPlatform.Mails;

namespace JobPlatform.Server.Cli;

/// <summary><c>emails preview</c>: how the platform's own mails read, with made-up content. Needs no database.</summary>
internal static class EmailsPreview
{
    public static Command Create()
    {
        var name = new Argument<string?>("mail") { Description = "Which mail; without it, the list of all.", Arity = ArgumentArity.ZeroOrOne };
        var locale = new Option<string>("--locale") { Description = $"The language: {string.Join(", ", MailSettings.Languages)}, perhaps with a region such as de-AT.", HelpName = "locale", DefaultValueFactory = _ => "en" };
        var html = new Option<bool>("--html") { Description = "The HTML part instead of the text part." };
        var preview = new Command("preview", "Print one of the platform's own mails, with made-up content.") { name, locale, html };
        preview.SetAction(async (parsed, _) =>
        {
            if (parsed.GetValue(name) is not { } wanted)
            {
                foreach (var (key, message) in MailPreviews.All) Console.Out.WriteLine($"{key,-24}{MailRenderer.SubjectOf(message, Texts.For("en"))}");
                return ExitCode.Well;
            }
            if (!MailPreviews.All.TryGetValue(wanted, out var mail))
                throw CliException.Refused($"There is no mail '{wanted}'.{Suggestion.For(wanted, MailPreviews.All.Keys)} Known: {string.Join(", ", MailPreviews.All.Keys)}.");
            var language = parsed.GetValue(locale)!;
            if (!MailSettings.Languages.Contains(language.Split('-', '_')[0], StringComparer.OrdinalIgnoreCase))
                throw CliException.Refused($"--locale: there are no texts in '{language}'. Known: {string.Join(", ", MailSettings.Languages)}.");
            var rendered = await MailRenderer.RenderAsync(mail, Texts.For(language));
            Console.Out.WriteLine(parsed.GetValue(html) ? rendered.Html : $"Subject: {rendered.Subject}{Environment.NewLine}{Environment.NewLine}{rendered.Text}");
            return ExitCode.Well;
        });
        return preview;
    }
}
