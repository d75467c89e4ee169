using JobPlatform.Core.Runs;

namespace JobPlatform.Server.Cli;

/// <summary>How runs are put into words.</summary>
internal static class RunText
{
    // The milliseconds of its making and twelve random bits: short enough for a table, and accepted wherever an id is.
    private const int ShortId = 18;

    public static int ExitCodeOf(RunStatus status) => status switch
    {
        RunStatus.Success => ExitCode.Well,
        RunStatus.Failed => ExitCode.Failed,
        RunStatus.Canceled or RunStatus.Skipped => ExitCode.CanceledOrSkipped,
        _ => ExitCode.StillRunning,
    };

    public static string Short(Guid id) => id.ToString()[..ShortId];

    public static void Table(Output output, IReadOnlyList<RunDetails> runs) =>
        output.Table(["RUN", "JOB", "STATUS", Output.IsDecorated ? "MADE" : "MADE (UTC)", "TOOK", "RESULT"], [.. runs.Select(run => new[]
        {
            Short(run.Id),
            run.Job,
            run.Status.ToWord(),
            // At a terminal there is no room for more, and what happened just now is of interest; elsewhere an age would not last.
            Output.IsDecorated ? output.Age(run.CreatedAt) : Output.Time(run.CreatedAt),
            Output.Duration(run.DurationMs),
            Summary(run),
        })], names: 1);

    /// <summary>What came of it, on one line.</summary>
    public static string Summary(RunDetails run) => run.Status switch
    {
        RunStatus.Running => RunWords.Progress(run.Progress),
        RunStatus.Queued => "",
        RunStatus.Skipped => run.Output is null ? run.SkipReason! : $"{run.SkipReason}: {RunWords.Result(run.Output)}",
        RunStatus.Success => RunWords.Result(run.Output),
        _ => RunWords.Result(run.Error),
    };

    public static string LogLine(RunLogLine line) =>
        $"{Output.Time(line.At)} {(line.Level == "information" ? "" : line.Level + ": ")}{line.Message}";
}
