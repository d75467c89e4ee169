using System.Net.Mail;
using JobPlatform.Core.Administration;
using JobPlatform.Web.Api;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Web.Security;

/// <summary>
/// A password that somebody typed, for a sign-in or to confirm one: counted, checked, and written down. The answer is
/// the same for a wrong password, an unknown account and a disabled one. Thread-safe.
/// </summary>
internal sealed partial class PasswordCheck(AdminAccounts accounts, SignInThrottle throttle, AuditLog audit, ILogger<PasswordCheck> log)
{
    private const int LongestEmail = 254;

    /// <summary>The account that somebody signs in to, or why not.</summary>
    public async Task<(AdminAccount? Account, Problem? Fault)> SignInAsync(HttpContext context, string email, string password, CancellationToken cancellation) =>
        email.Length > LongestEmail || email.Any(char.IsControl) ? (null, Failed)
        : await throttle.TryAsync(context.Connection.RemoteIpAddress, email, cancellation) is { } wait ? Throttle(context, wait)
        : await CheckAsync(context, email, password, cancellation);

    /// <summary>The account that somebody is signed in to and shows the password of again, or why not.</summary>
    public async Task<(AdminAccount? Account, Problem? Fault)> ConfirmAsync(HttpContext context, string email, string password, CancellationToken cancellation) =>
        await throttle.TryConfirmAsync(email, cancellation) is { } wait ? Throttle(context, wait) : await CheckAsync(context, email, password, cancellation);

    private (AdminAccount? Account, Problem? Fault) Throttle(HttpContext context, TimeSpan wait)
    {
        LogThrottled(Networks.Of(context.Connection.RemoteIpAddress));
        return (null, TooMany with { RetryAfter = wait });
    }

    private async Task<(AdminAccount? Account, Problem? Fault)> CheckAsync(HttpContext context, string email, string password, CancellationToken cancellation)
    {
        if (await accounts.FindByPasswordAsync(email, password, cancellation) is not { } account)
        {
            // What is no address may be a password that was typed into the wrong field.
            var subject = MailAddress.TryCreate(email, out _) ? AdminAccounts.Normalize(email) : "(no address)";
            await audit.AppendAsync(new(context.ToActor(), "sign-in.failed", subject), cancellation);
            return (null, Failed);
        }
        await throttle.ForgetAsync(context.Connection.RemoteIpAddress, email, cancellation);
        await accounts.RecordSignInAsync(account, "password", context.ToActor() with { Name = Actor.Admin(account.Email).Name }, cancellation);
        return (account, null);
    }

    private static Problem Failed { get; } = new(StatusCodes.Status401Unauthorized, "sign-in-failed", "The sign-in failed.",
        "The e-mail address and the password do not fit. 'jobplatform admins reset' gives an account a new password.");

    private static Problem TooMany { get; } = new(StatusCodes.Status429TooManyRequests, "too-many-sign-ins", "Too many sign-ins were tried.",
        "Wait some minutes, and try again. 'jobplatform admins reset' lets an account in at once.");

    [LoggerMessage(3024, LogLevel.Warning, "A sign-in from {Network} was not looked at: too many were tried")]
    private partial void LogThrottled(string network);
}
