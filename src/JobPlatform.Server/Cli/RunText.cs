using System.Text.Json;
using JobPlatform.Core;
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
        RunStatus.Running => Progress(run.Progress),
        RunStatus.Queued => "",
        RunStatus.Skipped => run.Output is null ? run.SkipReason! : $"{run.SkipReason}: {Result(run.Output)}",
        RunStatus.Success => Result(run.Output),
        _ => Result(run.Error),
    };

    /// <summary>An output as compact JSON, or an error's message.</summary>
    public static string Result(JsonElement? result)
    {
        if (result is not { } given) return "";
        return given.ValueKind == JsonValueKind.Object && given.TryGetProperty("message", out var message)
            && given.TryGetProperty("type", out _) && message.ValueKind == JsonValueKind.String
            ? message.GetString()!
            : JsonSerializer.Serialize(given, PlatformJson.Options);
    }

    /// <summary>"120 of 500 (24 %) deleting rows"; empty for none.</summary>
    public static string Progress(JsonElement? progress)
    {
        if (progress is not { ValueKind: JsonValueKind.Object } given || !given.TryGetProperty("done", out var done)) return "";
        var text = $"{done}";
        if (given.TryGetProperty("total", out var total) && total.ValueKind == JsonValueKind.Number)
            text += total.GetInt64() > 0 ? $" of {total} ({100 * done.GetInt64() / total.GetInt64()} %)" : $" of {total}";
        return given.TryGetProperty("note", out var note) && note.ValueKind == JsonValueKind.String ? $"{text} {note}" : text;
    }

    public static string LogLine(RunLogLine line) =>
        $"{Output.Time(line.At)} {(line.Level == "information" ? "" : line.Level + ": ")}{line.Message}";
}
