using Dapper;
using JobPlatform.Core;
using JobPlatform.Core.Database;
using JobPlatform.Core.Settings;
using Npgsql;

namespace JobPlatform.Mails;

/// <summary>Writes mails to people in their language and puts them into <c>pending_emails</c>. Thread-safe.</summary>
public sealed class Mailer(PlatformDatabase database, MailSettings settings)
{
    /// <summary>Queues a mail; a dedup key that was used before queues none, so that a handler may come here twice.</summary>
    /// <param name="to">One plain address.</param>
    /// <param name="message">What it is about.</param>
    /// <param name="locales">Of the payload, then of the reader's profile; the default comes after them.</param>
    /// <param name="dedupKey">1 to 200 characters.</param>
    /// <param name="tag">A word to find it by.</param>
    /// <param name="cancellation">Ends the wait; the mail may have been queued.</param>
    public async Task QueueAsync(string to, MailMessage message, IReadOnlyList<string?> locales, string dedupKey, string tag, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await QueueAsync(connection, to, message, locales, dedupKey, tag, cancellation);
    }

    /// <summary>The same within the connection's transaction.</summary>
    public async Task QueueAsync(
        NpgsqlConnection connection, string to, MailMessage message, IReadOnlyList<string?> locales, string? dedupKey, string tag, CancellationToken cancellation)
    {
        var mail = await MailRenderer.RenderAsync(message, Texts.For([.. locales, settings.DefaultLocale]));
        await connection.ExecuteAsync(new CommandDefinition(
            "SELECT jobplatform.enqueue_email(@to, @subject, @html, @text, p_dedup_key => @dedupKey, p_tags => @tags)",
            new
            {
                to, subject = StorableText.Clean(mail.Subject), html = StorableText.Clean(mail.Html), text = StorableText.Clean(mail.Text), dedupKey, tags = new[] { tag },
            }, cancellationToken: cancellation));
    }
}
