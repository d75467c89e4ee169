using JobPlatform.Core.Notifications;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Mails;

/// <summary>Adds the mails.</summary>
public static class MailRegistration
{
    /// <summary>After the platform's database, <see cref="Core.Settings.MailSettings"/> and the redactor.</summary>
    public static IServiceCollection AddMails(this IServiceCollection services) =>
        services.AddSingleton<Mailer>().AddSingleton<IAdminNotifier, AdminNotifier>();
}
