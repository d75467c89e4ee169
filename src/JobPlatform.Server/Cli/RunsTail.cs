using System.CommandLine;
using JobPlatform.Core.Runs;

namespace JobPlatform.Server.Cli;

/// <summary><c>runs tail</c>: one run's log to its end, or the runs as they come and end.</summary>
internal static class RunsTail
{
    private const int FirstRuns = 10;
    // Changes of runs that are older than this many others are not shown.
    private const int WatchedRuns = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var id = RunIds.Argument();
        id.Arity = ArgumentArity.ZeroOrOne;
        var command = new Command("tail",
            "Follow a run's log to its end, with the exit code of 'jobs run --wait'; without an id follow all runs until Ctrl-C.") { id };
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            if (parsed.GetValue(id) is not { } text) return await FollowAllAsync(session, cancellation);
            var runId = await RunIds.FindAsync(session, text, cancellation);
            var run = await new RunFollower(session, Console.Out).FollowAsync(runId, TimeSpan.MaxValue, cancellation);
            return RunText.ExitCodeOf(run.Status);
        });
        return command;
    }

    private static async Task<int> FollowAllAsync(Session session, CancellationToken cancellation)
    {
        var clock = session.Get<TimeProvider>();
        var known = new Dictionary<Guid, RunStatus>();
        try
        {
            for (var isFirst = true; ; isFirst = false)
            {
                var runs = await session.Get<RunStore>().ListAsync(new(), null, WatchedRuns, cancellation);
                var news = isFirst ? runs.Take(FirstRuns) : runs.Where(run => !known.TryGetValue(run.Id, out var before) || before != run.Status);
                foreach (var run in news.Reverse()) session.Output.Line(Line(run));
                known = runs.ToDictionary(run => run.Id, run => run.Status);
                await Task.Delay(Pause, clock, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The way to end it.
            return ExitCode.Well;
        }
    }

    private static string Line(RunDetails run) =>
        $"{Output.Time(run.FinishedAt ?? run.StartedAt ?? run.CreatedAt)} {RunText.Short(run.Id)} {run.Status.ToWord(),-8} {run.Job} {RunText.Summary(run)}".TrimEnd();
}
