using Dapper;
using JobPlatform.Core.Notifications;
using JobPlatform.Core.Settings;
using JobPlatform.Mails.Messages;
using Npgsql;

namespace JobPlatform.Mails;

/// <summary>Writes to the admins. Thread-safe.</summary>
public sealed class AdminNotifier(Mailer mails, MailSettings settings, SecretRedactor redactor) : IAdminNotifier
{
    /// <inheritdoc/>
    public async Task<int> NotifyAsync(NpgsqlConnection connection, AdminMessage message, CancellationToken cancellation = default)
    {
        var admins = settings.AdminEmails.Count > 0 ? settings.AdminEmails : (await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT email FROM jobplatform.admin_users WHERE role = 'admin' AND NOT is_disabled ORDER BY id", cancellationToken: cancellation))).AsList();
        var notice = new AdminNotice(message with
        {
            Subject = redactor.Redact(message.Subject),
            Title = redactor.Redact(message.Title),
            Body = redactor.Redact(message.Body),
            Details = [.. message.Details.Select(detail => KeyValuePair.Create(detail.Key, redactor.Redact(detail.Value)))],
        });
        foreach (var admin in admins) await mails.QueueAsync(connection, admin, notice, ["en"], dedupKey: null, message.Tag, cancellation);
        return admins.Count;
    }
}
