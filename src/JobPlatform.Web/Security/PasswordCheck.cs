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

    /// <summary>The account, or why not.</summary>
    public async Task<(AdminAccount? Account, Problem? Fault)> RunAsync(HttpContext context, string email, string password, CancellationToken cancellation)
    {
        if (email.Length > LongestEmail || email.Any(char.IsControl)) return (null, Failed);
        var network = CallerLimits.Network(context.Connection.RemoteIpAddress);
        if (await throttle.TryAsync(network, email, cancellation) is { } wait)
        {
            LogThrottled(network);
            return (null, TooMany with { RetryAfter = wait });
        }
        if (await accounts.FindByPasswordAsync(email, password, cancellation) is not { } account)
        {
            // What is no address may be a password that was typed into the wrong field.
            var subject = MailAddress.TryCreate(email, out _) ? AdminAccounts.Normalize(email) : "(no address)";
            await audit.AppendAsync(new(context.ToActor(), "sign-in.failed", subject), cancellation);
            return (null, Failed);
        }
        await throttle.ForgetAsync(email, cancellation);
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
