using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using JobPlatform.Core;
using JobPlatform.Core.Emails;

namespace JobPlatform.Server.Cli;

/// <summary><c>emails</c>: look at outgoing mail, send it again, take it out, preview its texts.</summary>
internal static class EmailsCommand
{
    public static Command Create() => new("emails", "Look at outgoing mail, send it again, take it out of the queue, preview its texts.")
    {
        CreateList(),
        CreateChange("retry", "Queue a failed or canceled mail again, due now, with all its attempts.",
            (emails, id, cancellation) => emails.RetryAsync(id, Session.Actor, cancellation), "pending again", "only a failed or canceled mail can be retried"),
        CreateChange("cancel", "Take a waiting mail out of the queue.",
            (emails, id, cancellation) => emails.CancelAsync(id, Session.Actor, cancellation), "canceled", "only a pending mail can be canceled"),
        EmailsPreview.Create(),
    };

    private static Command CreateList()
    {
        var json = Options.Json();
        var words = Enum.GetValues<EmailStatus>().Select(Word).ToList();
        var status = new Option<EmailStatus?>("--status")
        {
            Description = $"Only mails in this state: {string.Join(", ", words)}.",
            HelpName = "state",
            CustomParser = result =>
            {
                var word = result.Tokens[0].Value;
                if (words.IndexOf(word) is >= 0 and var index) return (EmailStatus)index;
                result.AddError($"--status: '{word}' is not one of {string.Join(", ", words)}.{Suggestion.For(word, words)}");
                return null;
            },
        };
        var limit = Options.Limit(20);
        var before = new Option<long?>("--before") { Description = "Only mails that are older than this one.", HelpName = "id", CustomParser = result => ReadId(result, "--before: ") };
        var list = new Command("list", "List mails, newest first, without their bodies.") { status, limit, before, json };
        list.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var emails = await session.Get<EmailStore>().ListAsync(parsed.GetValue(status), parsed.GetValue(before), parsed.GetValue(limit), cancellation);
            if (parsed.GetValue(json)) session.Output.Json(emails);
            else Show(session.Output, emails, parsed.GetValue(limit));
            return ExitCode.Well;
        });
        return list;
    }

    private static void Show(Output output, IReadOnlyList<Email> emails, int limit)
    {
        output.Table(["ID", "STATUS", "TO", "SUBJECT", "ATTEMPTS", "WHEN", "ERROR"], [.. emails.Select(email => new[]
        {
            $"{email.Id}", Word(email.Status), email.ToAddress, email.Subject, $"{email.Attempts}/{email.MaxAttempts}",
            output.Age(email.SentAt ?? (email.Status == EmailStatus.Pending ? email.RunAt : email.UpdatedAt)), email.LastError ?? "",
        })]);
        if (emails.Count == limit) output.Note($"There may be more: --before {emails[^1].Id}, or a larger --limit.");
    }

    private static Command CreateChange(
        string verb, string description, Func<EmailStore, long, CancellationToken, Task<bool>> change, string done, string rule)
    {
        var json = Options.Json();
        var id = new Argument<long>("id") { Description = "The mail's id, as 'emails list' shows it.", CustomParser = result => ReadId(result) };
        var command = new Command(verb, description) { id, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var emails = session.Get<EmailStore>();
            var number = parsed.GetValue(id);
            var changed = await change(emails, number, cancellation);
            var email = await emails.FindAsync(number, cancellation)
                ?? throw CliException.Refused($"There is no mail {number}. 'jobplatform emails list' shows the newest.");
            if (!changed) throw CliException.Refused($"The mail {number} is {Word(email.Status)}: {rule}.");
            if (parsed.GetValue(json)) session.Output.Json(email);
            else session.Output.Line($"The mail {number} to {email.ToAddress} is {done}.");
            return ExitCode.Well;
        });
        return command;
    }

    private static long ReadId(ArgumentResult result, string where = "")
    {
        var text = result.Tokens[0].Value;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            result.AddError($"{where}'{text}' is not a mail's id, a whole number. 'jobplatform emails list' shows ids.");
        return id;
    }

    private static string Word(EmailStatus status) => status.ToString().ToLowerInvariant();
}
