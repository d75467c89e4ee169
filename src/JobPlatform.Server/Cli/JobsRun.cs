using System.CommandLine;
using System.Text.Json;
using JobPlatform.Core.Runs;

namespace JobPlatform.Server.Cli;

/// <summary><c>jobs run</c>: a run on demand.</summary>
internal static class JobsRun
{
    private const int LongestKey = 200;

    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "The job's name." };
        var payload = new Option<string?>("--payload")
        {
            Description = "A JSON object whose keys override those of the job's config for this run.",
            HelpName = "json",
        };
        var wait = Options.Wait();
        var force = new Option<bool>("--force") { Description = "Run it although it is disabled." };
        var dedupKey = new Option<string?>("--dedup-key")
        {
            Description = "While a run of the job with this key lives, that run is the answer instead of a new one.",
            HelpName = "key",
        };
        var command = new Command("run",
            "Run a job now. Prints the run's id; with --wait its output as JSON, and the exit code tells how it ended.")
        {
            name, payload, wait, force, dedupKey,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var request = new RunRequest
            {
                JobName = parsed.GetValue(name),
                Trigger = RunTrigger.Manual,
                Actor = Session.Actor,
                TriggeredBy = Session.Actor.Name,
                Payload = ReadPayload(parsed.GetValue(payload)),
                DedupKey = CheckKey(parsed.GetValue(dedupKey)),
                Force = parsed.GetValue(force),
            };
            await using var session = await Session.OpenAsync(cancellation);
            return await RunAsync(session, request, parsed.GetValue(wait), cancellation);
        });
        return command;
    }

    /// <summary>Enqueues and, when asked to, waits; also for <c>runs retry</c>.</summary>
    public static async Task<int> RunAsync(Session session, RunRequest request, TimeSpan? wait, CancellationToken cancellation)
    {
        var (runId, isNew) = await session.EnqueueAsync(request, cancellation);
        if (!isNew) session.Output.Note($"A run with the key '{request.DedupKey}' lives already; it is the answer.");
        if (wait is not { } longest)
        {
            session.Output.Line($"{runId}");
            return ExitCode.Well;
        }

        session.Output.Note($"Run {runId} of {request.JobName}");
        var run = await new RunFollower(session, Console.Error).FollowAsync(runId, longest, cancellation);
        if (run.Status == RunStatus.Success || run.Output is not null)
            session.Output.Line(Output.Pretty(run.Output) is { Length: > 0 } output ? output : "null");
        return RunText.ExitCodeOf(run.Status);
    }

    private static JsonElement? ReadPayload(string? text)
    {
        if (text is null) return null;
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException e)
        {
            throw CliException.Refused($"--payload: it is not JSON from byte {e.BytePositionInLine + 1} of line {e.LineNumber + 1} on. Give an object such as {{\"days_to_keep\": 7}}, in single quotes.");
        }
    }

    private static string? CheckKey(string? key) =>
        key is null or { Length: >= 1 and <= LongestKey }
            ? key
            : throw CliException.Refused($"--dedup-key: it has {key.Length} characters; give 1 to {LongestKey}.");
}
