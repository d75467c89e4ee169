using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Handlers.Email;

/// <summary>Sends the mails of <c>pending_emails</c> that are due.</summary>
/// <remarks>
/// Never lost: a row is claimed, marked or given back, and a claim whose process died is taken again after 15 minutes.
/// Never twice: a row is one claim's at a time, and a mail is marked before the next is begun. What no sender can
/// exclude is a line lost after the mail went over; then it is sent again with the same Message-ID.
/// </remarks>
[JobHandler("process-pending-emails", "Sends the mails of pending_emails that are due, by SMTP.", Cron = "*/5 * * * *", TimeoutSeconds = 3600)]
public sealed partial class ProcessPendingEmails(PlatformDatabase database, SmtpSettings settings) : JobHandler<ProcessPendingEmails.Config>
{
    /// <summary>What can be set.</summary>
    public sealed record Config
    {
        /// <summary>Mails that a run has claimed at a time, over all its connections.</summary>
        [Range(1, 10_000), Description("Mails that a run has claimed at a time, over all its connections.")]
        public int BatchSize { get; init; } = 100;

        /// <summary>Connections to the mail server at a time.</summary>
        [Range(1, 20), Description("Connections to the mail server at a time.")]
        public int Connections { get; init; } = 4;

        /// <summary>The most mails that one run takes; null for all that are due.</summary>
        [Range(1, int.MaxValue), Description("The most mails that one run takes; the rest is the next run's.")]
        public int? MaxMails { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        var outbox = new Outbox(database, run.Clock);
        var due = await outbox.CountDueAsync(cancellation);
        if (due == 0) return RunOutcome.Success(new Counts(0, 0, 0, 0));
        // Waiting in silence would be found out by a customer.
        if (settings.Server is null)
            return RunOutcome.FailForGood($"SMTP_URL is not set, and {due} mails wait. Set SMTP_URL, such as smtp://user:password@host:587, and MAIL_FROM, and restart; no mail is lost.");

        var tally = new Tally(run, due, config.MaxMails);
        var share = Math.Max(1, config.BatchSize / config.Connections);
        var lines = (int)Math.Min(config.Connections, (due + share - 1) / share);
        var faults = (await Task.WhenAll(Enumerable.Range(0, lines).Select(_ => SendAsync(new Sender(settings, outbox, run, tally), share, cancellation))))
            .OfType<SmtpFault>().ToList();

        var counts = tally.Counts;
        LogCounts(run.Logger, counts);
        cancellation.ThrowIfCancellationRequested();
        foreach (var fault in faults) LogFault(run.Logger, fault.Message);
        // A server may allow fewer connections than are configured: what one could not do, another did.
        var isDone = faults.Count == 0 || (faults.Count < lines && counts.Returned == 0) || await outbox.CountDueAsync(cancellation) == 0;
        if (isDone) return RunOutcome.Success(counts);
        var worst = faults.Find(fault => fault.NeedsOperator) ?? faults[0];
        var sentence = $"{worst.Message} ({settings.Server}; {counts}; mails that wait keep their attempts.)";
        return worst.NeedsOperator ? RunOutcome.FailForGood(sentence) : RunOutcome.Fail(sentence);
    }

    private static async Task<SmtpFault?> SendAsync(Sender sender, int share, CancellationToken cancellation)
    {
        try
        {
            await sender.RunAsync(share, cancellation);
            return null;
        }
        catch (SmtpFault fault)
        {
            return fault;
        }
    }

    [LoggerMessage(1205, LogLevel.Information, "{Counts}")]
    private static partial void LogCounts(ILogger logger, Counts counts);

    [LoggerMessage(1206, LogLevel.Warning, "{Fault}")]
    private static partial void LogFault(ILogger logger, string fault);
}
