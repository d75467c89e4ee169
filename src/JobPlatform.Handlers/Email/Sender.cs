using JobPlatform.Core.Handlers;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Handlers.Email;

/// <summary>
/// One line to the mail server: claims a share, sends it mail by mail, marks each before the next, and so on until
/// nothing is due.
/// </summary>
/// <remarks>
/// Whose fault a failure is:
/// <list type="table">
/// <item><term>the mail's, for good</term><description>5xx for recipient or content; an address or a size that cannot be sent</description></item>
/// <item><term>the mail's, tried again after 1, 3, 9, then 15 minutes</term><description>4xx for recipient or content; a line lost after
/// the sender was taken (from the end of the content on the mail may have arrived: the same Message-ID tells)</description></item>
/// <item><term>the server's</term><description>everything at connecting and logging in, 421, the refusal of MAIL_FROM, 530 to any sender (log in first); the mails are
/// given back with no attempt counted, so that an outage, however long, turns none into failed</description></item>
/// </list>
/// </remarks>
internal sealed partial class Sender(SmtpSettings settings, Outbox outbox, RunContext run, Tally tally)
{
    // Of the 15 minutes of a claim; the rest is the time that one mail may take (SmtpConnection).
    private static readonly TimeSpan FreshFor = TimeSpan.FromMinutes(2);
    // A handler has 30 s to end after it was told to; a mail under way gets most of them.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);
    private static readonly int[] RetryMinutes = [1, 3, 9, 15];
    // So many lines in a row that were lost on their first mail are an outage, not a mail that the server trips over.
    private const int MostLossesInARow = 3;

    private SmtpConnection? _connection;
    private int _lossesInARow;
    private ClaimedEmail? _accepted;

    /// <summary>Sends until nothing is due, the allowance is used, or it is told to stop.</summary>
    /// <param name="share">Mails to claim at a time.</param>
    /// <param name="cancellation">Stops it after the mail under way.</param>
    /// <exception cref="SmtpFault">The server cannot be used; what was claimed is given back.</exception>
    public async Task RunAsync(int share, CancellationToken cancellation)
    {
        using var abort = new CancellationTokenSource(Timeout.InfiniteTimeSpan, run.Clock);
        await using var told = cancellation.UnsafeRegister(static source => ((CancellationTokenSource)source!).CancelAfter(Grace), abort);
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                // Connected before anything is claimed: a server that is down touches no row.
                await ConnectAsync(abort.Token);
                var limit = tally.Reserve(share);
                if (limit == 0) return;
                var claimed = await outbox.ClaimAsync(limit);
                tally.Release(limit - claimed.Count);
                if (claimed.Count == 0) return;
                await SendAsync(claimed, abort.Token, cancellation);
            }
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            LogAborted(run.Logger, Grace.TotalSeconds);
        }
        finally
        {
            await DisconnectAsync();
        }
    }

    private async Task SendAsync(IReadOnlyList<ClaimedEmail> claimed, CancellationToken abort, CancellationToken cancellation)
    {
        var next = 0;
        try
        {
            while (next < claimed.Count && !cancellation.IsCancellationRequested)
            {
                // Before the look at the claim's age: a fresh connection to a slow server may take minutes.
                var connection = await ConnectAsync(abort);
                if (run.Clock.GetUtcNow() - claimed[next].ClaimedAt >= FreshFor) break;
                if (await SendAsync(claimed[next], connection, abort)) next++;
            }
        }
        finally
        {
            // A mail that was accepted and could not be marked waits out its claim: given back, it would go out again at once.
            var rest = claimed.Skip(next).Where(mail => mail != _accepted).ToList();
            tally.Release(rest.Count);
            tally.Returned(await outbox.GiveBackAsync(rest));
        }
    }

    // False when the mail is to be sent again on another connection.
    private async Task<bool> SendAsync(ClaimedEmail mail, SmtpConnection connection, CancellationToken abort)
    {
        if (mail.Attempts > mail.MaxAttempts)
        {
            await FailAsync(mail, $"It was taken {mail.Attempts - 1} times, and each time the sending process died before the outcome was known.");
            return true;
        }
        try
        {
            var message = MailMessageWriter.Write(mail, settings.From!, run.Clock.GetUtcNow());
            await connection.SendAsync(message, abort);
            _accepted = mail;
            _lossesInARow = 0;
            if (!await outbox.MarkSentAsync(mail)) LogTakenMeanwhile(run.Logger, mail.Id);
            tally.Sent();
        }
        catch (UnsendableMailException e)
        {
            await FailAsync(mail, e.Message);
        }
        catch (SmtpFault e) when (IsServers(e, mail))
        {
            // Servers end sessions after so many mails; a fresh one takes this mail.
            if (e.Code is not (null or 421) || connection.Answered == 0) throw;
            await DisconnectAsync();
            return false;
        }
        catch (SmtpFault e) when (e.Code is >= 500)
        {
            _lossesInARow = 0;
            await FailAsync(mail, e.Message);
        }
        catch (SmtpFault e)
        {
            await RetryAsync(mail, e.Message);
            if (e.Code is null) await CountLossAsync(e);
            else _lossesInARow = 0;
        }
        return true;
    }

    // MAIL tells the server nothing of the mail but its size (552), so what it refuses there is the sender.
    private static bool IsServers(SmtpFault fault, ClaimedEmail mail) =>
        fault.Code == 421
        || (fault.Step == SmtpStep.Sender && fault.Code != 552 && (fault.Code is null or 530 || mail.FromAddress is null));

    private async Task RetryAsync(ClaimedEmail mail, string error)
    {
        if (mail.Attempts >= mail.MaxAttempts)
        {
            await FailAsync(mail, error);
            return;
        }
        var runAt = run.Clock.GetUtcNow().AddMinutes(RetryMinutes[Math.Min((int)mail.Attempts, RetryMinutes.Length) - 1]);
        await outbox.RetryAsync(mail, runAt, error);
        LogRetried(run.Logger, mail.Id, mail.Attempts, mail.MaxAttempts, runAt, error);
        tally.Retried();
    }

    private async Task FailAsync(ClaimedEmail mail, string error)
    {
        await outbox.FailAsync(mail, error);
        LogFailed(run.Logger, mail.Id, error);
        tally.Failed();
    }

    private async Task CountLossAsync(SmtpFault fault)
    {
        _lossesInARow = _connection!.Answered > 0 ? 1 : _lossesInARow + 1;
        await DisconnectAsync();
        if (_lossesInARow >= MostLossesInARow)
            throw new SmtpFault(SmtpStep.Connect, null, $"{MostLossesInARow} connections in a row were lost on their first mail. {fault.Message}", inner: fault);
    }

    private async Task<SmtpConnection> ConnectAsync(CancellationToken cancellation) =>
        _connection ??= await SmtpConnection.OpenAsync(settings.Server!, run.Clock, cancellation);

    private async Task DisconnectAsync()
    {
        if (_connection is not null) await _connection.DisposeAsync();
        _connection = null;
    }

    [LoggerMessage(1201, LogLevel.Warning, "Mail {Id}, attempt {Attempt} of {MaxAttempts}, is tried again at {RunAt:yyyy-MM-dd HH:mm:ss} UTC: {Error}")]
    private static partial void LogRetried(ILogger logger, long id, short attempt, short maxAttempts, DateTimeOffset runAt, string error);

    [LoggerMessage(1202, LogLevel.Error, "Mail {Id} has failed: {Error}")]
    private static partial void LogFailed(ILogger logger, long id, string error);

    [LoggerMessage(1203, LogLevel.Warning, "Mail {Id} was sent, but its row was taken or changed by somebody else meanwhile; it may be sent again")]
    private static partial void LogTakenMeanwhile(ILogger logger, long id);

    [LoggerMessage(1204, LogLevel.Warning, "The mail server did not answer within {Seconds} s after the run was told to stop; the line was cut")]
    private static partial void LogAborted(ILogger logger, double seconds);
}
