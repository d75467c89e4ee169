using System.CommandLine;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Server.Cli;

/// <summary><c>webhooks</c>: handlers that are an address instead of code.</summary>
internal static class WebhooksCommand
{
    private const int Page = 1000;
    private const int ShownJobs = 5;

    public static Command Create()
    {
        var json = Options.Json();
        var key = Key();

        var list = new Command("list", "List all webhooks.") { json };
        list.SetAction((parsed, cancellation) => ListAsync(parsed.GetValue(json), cancellation));

        var show = new Command("show", "Show one webhook; of its secrets only when they were set.") { key, json };
        show.SetAction((parsed, cancellation) => ShowAsync(parsed.GetValue(key)!, parsed.GetValue(json), cancellation));

        var test = new Command("test", "Call a webhook from here, as attempt 1 of a run of a job 'webhook-test' with an empty config.") { key, json };
        test.SetAction((parsed, cancellation) => TestAsync(parsed.GetValue(key)!, parsed.GetValue(json), cancellation));

        var delete = new Command("delete", "Delete a webhook with its secrets. Jobs that name it stay, and their runs fail.") { key };
        delete.SetAction((parsed, cancellation) => DeleteAsync(parsed.GetValue(key)!, cancellation));

        return new Command("webhooks", "Make addresses handlers of jobs, and look after them.")
        {
            list, show, WebhooksChange.CreateAdd(), WebhooksChange.CreateSetSecret(), test, delete,
        };
    }

    public static Argument<string> Key() => new("key") { Description = "What jobs name as their handler." };

    /// <summary>The webhook, or a refusal that says what is known.</summary>
    public static async Task<Webhook> GetAsync(Session session, string key, CancellationToken cancellation)
    {
        var store = session.Get<WebhookHandlerStore>();
        return await store.FindAsync(key, cancellation) ?? throw CliException.Refused(await store.DescribeUnknownAsync(key, cancellation));
    }

    /// <summary>The webhook of a change that was made.</summary>
    /// <exception cref="CliException">It was not.</exception>
    public static Webhook Expect(WebhookAnswer answer) => answer switch
    {
        WebhookAnswer.Done { Webhook: var webhook } => webhook,
        WebhookAnswer.Unknown { Message: var message } => throw CliException.Refused(message),
        WebhookAnswer.Conflict { Message: var message } => throw CliException.Refused(message),
        WebhookAnswer.Invalid { Faults: var faults } => throw CliException.Refused(string.Join('\n', faults)),
        var other => throw new InvalidOperationException($"The answer {other.GetType().Name} is not known to the command line."),
    };

    private static async Task<int> ListAsync(bool asJson, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var webhooks = new List<Webhook>();
        do webhooks.AddRange(await session.Get<WebhookHandlerStore>().ListAsync(webhooks.LastOrDefault()?.Key, Page, cancellation));
        while (webhooks.Count > 0 && webhooks.Count % Page == 0);

        if (asJson) session.Output.Json(webhooks);
        else
            session.Output.Table(["WEBHOOK", "", "AUTH", "SIGNED", "CHANGED", "URL"], webhooks.ConvertAll(webhook => new[]
            {
                webhook.Key, webhook.IsEnabled ? "" : "disabled", webhook.Auth.ToWord(), webhook.SigningSecretChangedAt is null ? "" : "yes",
                session.Output.Age(webhook.UpdatedAt), webhook.Url,
            }));
        return ExitCode.Well;
    }

    private static async Task<int> ShowAsync(string key, bool asJson, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var webhook = await GetAsync(session, key, cancellation);
        var output = session.Output;
        if (asJson) output.Json(webhook);
        else
            output.Fields(
                ("webhook", webhook.IsEnabled ? webhook.Key : $"{webhook.Key} (disabled)"),
                ("description", webhook.Description),
                ("url", $"{webhook.Method} {webhook.Url}"),
                ("auth", $"{webhook.Auth.ToWord()} {webhook.AuthName}".TrimEnd()),
                ("secret", webhook.SecretChangedAt is { } auth ? $"set {output.TimeAndAge(auth)}" : null),
                ("signing secret", webhook.SigningSecretChangedAt is { } signing ? $"set {output.TimeAndAge(signing)}" : "none, calls are not signed"),
                ("headers", string.Join('\n', webhook.Headers.Select(header => $"{header.Key}: {header.Value}"))),
                ("timeout", $"{webhook.TimeoutSeconds} s"),
                ("jobs", await DescribeJobsAsync(session, key, cancellation)),
                ("version", $"{webhook.Version}, changed {output.TimeAndAge(webhook.UpdatedAt)}"));
        return ExitCode.Well;
    }

    private static async Task<int> TestAsync(string key, bool asJson, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        await GetAsync(session, key, cancellation);
        var result = await session.Get<WebhookCaller>().TestAsync(key, Session.Actor, cancellation)
            ?? throw CliException.Refused($"The webhook '{key}' was deleted this moment.");
        if (asJson) session.Output.Json(result);
        else
        {
            if (result.Answer is { } answer) session.Output.Line(Output.Pretty(answer));
            if (result.Fault is { } fault) session.Output.Note($"{fault} {(result.IsTemporary ? "A run would be tried again." : "A run would fail for good.")}");
        }
        return result.Fault is null ? ExitCode.Well : ExitCode.Failed;
    }

    private static async Task<int> DeleteAsync(string key, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var webhook = await GetAsync(session, key, cancellation);
        Expect(await session.Get<WebhookHandlerStore>().DeleteAsync(key, webhook.Version, Session.Actor, cancellation));
        session.Output.Line($"The webhook {key} is deleted.");
        if (await DescribeJobsAsync(session, key, cancellation) is { } jobs)
            session.Output.Note($"Runs of these jobs fail from now on: {jobs}. Give them another handler, or disable them.");
        return ExitCode.Well;
    }

    private static async Task<string?> DescribeJobsAsync(Session session, string key, CancellationToken cancellation)
    {
        var jobs = await session.Get<WebhookHandlerStore>().ListJobsAsync(key, ShownJobs + 1, cancellation);
        return jobs.Count == 0 ? null : string.Join(", ", jobs.Take(ShownJobs)) + (jobs.Count > ShownJobs ? " and others" : "");
    }
}
