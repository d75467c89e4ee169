using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace JobPlatform.Mails;

/// <summary>A mail that is ready to be queued. Immutable.</summary>
/// <param name="Subject">One line.</param>
/// <param name="Html">The HTML part.</param>
/// <param name="Text">The text part, made from the same component.</param>
public sealed record RenderedMail(string Subject, string Html, string Text);

/// <summary>Turns messages into mails. Thread-safe.</summary>
public static class MailRenderer
{
    private const int LongestSubject = 250;

    // Components of mails use no services: what they show is in their message.
    private static readonly ServiceProvider Nothing = new ServiceCollection().BuildServiceProvider();

    /// <summary>Renders both parts in one language.</summary>
    public static async Task<RenderedMail> RenderAsync(MailMessage message, Texts texts)
    {
        // One for each mail, as a renderer keeps every component that it has made.
        await using var renderer = new HtmlRenderer(Nothing, NullLoggerFactory.Instance);
        var parameters = ParameterView.FromDictionary(new Dictionary<string, object?> { ["Message"] = message, ["Texts"] = texts });
        var html = await renderer.Dispatcher.InvokeAsync(async () => (await renderer.RenderComponentAsync(message.Component, parameters)).ToHtmlString());
        return new(SubjectOf(message, texts), html, PlainText.Of(html));
    }

    /// <summary>The subject: one line of at most 250 characters, though names that people chose stand in it.</summary>
    public static string SubjectOf(MailMessage message, Texts texts)
    {
        var line = string.Join(' ', message.SubjectIn(texts).Split([' ', '\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= LongestSubject ? line : line[..(LongestSubject - 1)] + "…";
    }
}
