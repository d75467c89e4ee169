using JobPlatform.Core.Notifications;

namespace JobPlatform.Mails.Messages;

/// <summary>A mail to those who run the platform; its words come with it, in English as those of the admin pages.</summary>
/// <param name="Content">The words.</param>
public sealed record AdminNotice(AdminMessage Content) : MailMessage
{
    internal override Type Component => typeof(AdminNoticeMail);

    internal override string SubjectIn(Texts texts) => Content.Subject;
}
