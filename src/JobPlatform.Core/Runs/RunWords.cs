using System.Text.Json;

namespace JobPlatform.Core.Runs;

/// <summary>What runs report, in words.</summary>
public static class RunWords
{
    // What a sentence can bear; the whole text is the run's.
    private const int LongestMessage = 200;

    /// <summary>As <see cref="Result"/>, but one line of at most 200 characters.</summary>
    public static string Message(JsonElement? result)
    {
        var text = string.Join(' ', Result(result).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= LongestMessage ? text : text[..LongestMessage] + "…";
    }

    /// <summary>An output as compact JSON, or an error's message.</summary>
    public static string Result(JsonElement? result)
    {
        if (result is not { } given) return "";
        return given.ValueKind == JsonValueKind.Object && given.TryGetProperty("message", out var message)
            && given.TryGetProperty("type", out _) && message.ValueKind == JsonValueKind.String
            ? message.GetString()!
            : JsonSerializer.Serialize(given, PlatformJson.Options);
    }

    /// <summary>What a run came to or how far it is, in a line: its error, its output, its progress, why it was skipped.</summary>
    public static string Outcome(RunDetails run) => run.Status switch
    {
        RunStatus.Running => Progress(run.Progress),
        RunStatus.Success => Message(run.Output),
        RunStatus.Skipped => Skip(run),
        RunStatus.Queued => "",
        _ => Message(run.Error),
    };

    private static string Skip(RunDetails run) => run.SkipReason switch
    {
        "overlap" when run.Output is not null => $"the same work was being done elsewhere: {Message(run.Output)}",
        "overlap" => "as many runs as max_concurrency allows were running",
        "misfire" => "it was due while no worker could start it",
        "safety_stop" => $"its handler stopped before it did harm: {Message(run.Output)}",
        var other => other ?? "",
    };

    /// <summary>"120 of 500 (24 %) deleting rows"; empty for none.</summary>
    public static string Progress(JsonElement? progress)
    {
        if (progress is not { ValueKind: JsonValueKind.Object } given || !given.TryGetProperty("done", out var done)) return "";
        var text = $"{done}";
        if (given.TryGetProperty("total", out var total) && total.ValueKind == JsonValueKind.Number)
            text += total.GetInt64() > 0 ? $" of {total} ({100 * done.GetInt64() / total.GetInt64()} %)" : $" of {total}";
        return given.TryGetProperty("note", out var note) && note.ValueKind == JsonValueKind.String ? $"{text} {note}" : text;
    }
}
