using System.CommandLine;
using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;

namespace JobPlatform.Server.Cli;

/// <summary><c>runs</c>: look at what ran, follow it, cancel it, run it again.</summary>
internal static class RunsCommand
{
    public static Command Create() => new("runs", "Look at runs, follow, cancel and retry them.")
    {
        CreateList(), CreateShow(), RunsTail.Create(), CreateCancel(), CreateRetry(),
    };

    private static Command CreateList()
    {
        var json = Options.Json();
        var job = new Option<string?>("--job") { Description = "Only runs of this job.", HelpName = "name" };
        var status = new Option<RunStatus?>("--status")
        {
            Description = $"Only runs in this state: {string.Join(", ", Enum.GetValues<RunStatus>().Select(RunStatusExtensions.ToWord))}.",
            HelpName = "state",
            CustomParser = result =>
            {
                var word = result.Tokens[0].Value;
                foreach (var known in Enum.GetValues<RunStatus>())
                    if (known.ToWord() == word) return known;
                var words = Enum.GetValues<RunStatus>().Select(RunStatusExtensions.ToWord).ToList();
                result.AddError($"--status: '{word}' is not one of {string.Join(", ", words)}.{Suggestion.For(word, words)}");
                return null;
            },
        };
        var limit = Options.Limit(20);
        var before = new Option<string?>("--before") { Description = "Only runs that are older than this one.", HelpName = "id" };
        var list = new Command("list", "List runs, newest first.") { job, status, limit, before, json };
        list.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            return await ListAsync(session, parsed.GetValue(job), parsed.GetValue(status), parsed.GetValue(before),
                parsed.GetValue(limit), parsed.GetValue(json), cancellation);
        });
        return list;
    }

    private static async Task<int> ListAsync(
        Session session, string? job, RunStatus? status, string? before, int limit, bool asJson, CancellationToken cancellation)
    {
        var jobs = session.Get<JobStore>();
        if (job is not null && await jobs.FindAsync(job, cancellation) is null)
            throw CliException.Refused(await jobs.DescribeUnknownAsync(job, cancellation));
        Guid? beforeId = before is null ? null : await RunIds.FindAsync(session, before, cancellation);
        var runs = await session.Get<RunStore>().ListAsync(new() { Job = job, Status = status }, beforeId, limit, cancellation);
        if (asJson)
        {
            session.Output.Json(runs);
            return ExitCode.Well;
        }
        RunText.Table(session.Output, runs);
        if (runs.Count == limit) session.Output.Note($"There may be more: --before {RunText.Short(runs[^1].Id)}, or a larger --limit.");
        return ExitCode.Well;
    }

    private static Command CreateShow()
    {
        var id = RunIds.Argument();
        var json = Options.Json();
        var show = new Command("show", "Show one run and its attempts that failed; its log is 'runs tail'.") { id, json };
        show.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var run = await RunIds.LoadAsync(session, parsed.GetValue(id)!, cancellation);
            var attempts = await session.Get<RunStore>().ListAttemptsAsync(run.Id, cancellation);
            if (parsed.GetValue(json))
            {
                var document = JsonSerializer.SerializeToNode(run, PlatformJson.Options)!.AsObject();
                document["attempts"] = JsonSerializer.SerializeToNode(attempts, PlatformJson.Options);
                session.Output.Json(document);
                return ExitCode.Well;
            }
            Show(session.Output, run);
            if (attempts.Count > 0) Show(session.Output, attempts);
            return ExitCode.Well;
        });
        return show;
    }

    private static void Show(Output output, IReadOnlyList<RunAttempt> attempts)
    {
        output.Line("");
        output.Table(["ATTEMPT", "OUTCOME", "STARTED (UTC)", "TOOK", "WORKER", "ERROR"], [.. attempts.Select(attempt => new[]
        {
            $"{attempt.Number}",
            attempt.Outcome,
            Output.Time(attempt.StartedAt),
            Output.Duration((long)(attempt.FinishedAt - attempt.StartedAt).TotalMilliseconds),
            attempt.Worker,
            RunWords.Result(attempt.Error),
        })], names: 4);
    }

    private static void Show(Output output, RunDetails run) => output.Fields(
        ("run", run.Id.ToString()),
        ("job", run.Job),
        ("status", run.SkipReason is null ? run.Status.ToWord() : $"{run.Status.ToWord()} ({run.SkipReason})"),
        ("trigger", run.TriggeredBy is null ? run.Trigger.ToString().ToLowerInvariant() : $"{run.Trigger.ToString().ToLowerInvariant()} by {run.TriggeredBy}"),
        ("retry of", run.RetryOf?.ToString()),
        ("due time", output.TimeAndAge(run.ScheduledFor)),
        ("made", output.TimeAndAge(run.CreatedAt)),
        (run.Status is RunStatus.Queued or RunStatus.Retrying ? "starts" : "ready", output.TimeAndAge(run.RunAt)),
        ("started", output.TimeAndAge(run.StartedAt)),
        ("ended", output.TimeAndAge(run.FinishedAt)),
        ("took", Output.Duration(run.DurationMs)),
        ("attempt", $"{run.Attempt}"),
        ("worker", run.Worker),
        ("progress", RunWords.Progress(run.Progress)),
        ("payload", Output.Pretty(run.Payload)),
        ("output", Output.Pretty(run.Output)),
        ("error", Output.Pretty(run.Error)));

    private static Command CreateCancel()
    {
        var id = RunIds.Argument();
        var cancel = new Command("cancel", "Cancel a run that waits; tell the handler of one that runs.") { id };
        cancel.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var runId = await RunIds.FindAsync(session, parsed.GetValue(id)!, cancellation);
            session.Output.Line(await session.Get<RunStore>().CancelAsync(runId, Session.Actor, cancellation) switch
            {
                CancelAnswer.Canceled => $"{runId} is canceled.",
                CancelAnswer.Requested => $"{runId} runs; its handler is told to stop.",
                CancelAnswer.EndedBefore => throw CliException.Refused($"The run {runId} has ended before."),
                _ => throw RunIds.Unknown(runId.ToString()),
            });
            return ExitCode.Well;
        });
        return cancel;
    }

    private static Command CreateRetry()
    {
        var id = RunIds.Argument();
        var wait = Options.Wait();
        var force = new Option<bool>("--force") { Description = "Run it although the job is disabled." };
        var retry = new Command("retry", "Run an ended run again: a new run with the same payload. As 'jobs run' otherwise.") { id, wait, force };
        retry.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var run = await RunIds.LoadAsync(session, parsed.GetValue(id)!, cancellation);
            if (!run.Status.IsEnd())
                throw CliException.Refused($"The run {run.Id} is {run.Status.ToWord()}: only an ended run can be retried. 'jobplatform runs cancel {run.Id}' ends it.");
            return await JobsRun.RunAsync(session, new RunRequest
            {
                JobName = run.Job,
                Trigger = RunTrigger.Retry,
                Actor = Session.Actor,
                TriggeredBy = Session.Actor.Name,
                Payload = run.Payload,
                RetryOf = run.Id,
                Force = parsed.GetValue(force),
            }, parsed.GetValue(wait), cancellation);
        });
        return retry;
    }
}
