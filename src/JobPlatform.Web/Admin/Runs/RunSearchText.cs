using System.Globalization;
using System.Text.Json;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Admin.Search;
using JobPlatform.Web.Api;

namespace JobPlatform.Web.Admin.Runs;

/// <summary>A search for runs, understood. Immutable.</summary>
/// <param name="Filter">What an index and the rows' fields answer.</param>
/// <param name="Text">What is looked for in output, error and payload; null for nothing.</param>
/// <param name="Window">The span of time that was chosen for a text without one, in words; null where one was stated.</param>
/// <param name="Faults">What could not be understood.</param>
internal sealed record RunSearchText(RunFilter Filter, string? Text, string? Window, IReadOnlyList<string> Faults)
{
    /// <summary>How far back one may look by a word.</summary>
    public static IReadOnlyDictionary<string, TimeSpan> Spans { get; } = new Dictionary<string, TimeSpan>
    {
        ["15m"] = TimeSpan.FromMinutes(15), ["1h"] = TimeSpan.FromHours(1), ["24h"] = TimeSpan.FromDays(1), ["7d"] = TimeSpan.FromDays(7), ["30d"] = TimeSpan.FromDays(30),
    };

    private static readonly Dictionary<string, RunStatus> States = Enum.GetValues<RunStatus>().ToDictionary(status => status.ToWord());
    private static readonly Dictionary<string, RunTrigger> Triggers = Enum.GetValues<RunTrigger>().ToDictionary(trigger => JsonNamingPolicy.SnakeCaseLower.ConvertName(trigger.ToString()));

    /// <summary>The filters with values to offer; the script asks for jobs by itself.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Suggestions { get; } = new Dictionary<string, IReadOnlyList<string>>
    {
        ["status"] = [.. States.Keys], ["job"] = ["a-job"], ["trigger"] = [.. Triggers.Keys], ["since"] = [.. Spans.Keys],
        ["from"] = ["2026-01-31T08:00Z"], ["to"] = ["2026-01-31T20:00Z"], ["retry_of"] = ["a run's id"],
    };

    /// <summary>Understands it.</summary>
    public static RunSearchText Read(string? text, DateTimeOffset now)
    {
        var search = SearchText.Parse(text, [.. Suggestions.Keys]);
        var faults = search.Faults.ToList();
        var filter = new RunFilter();
        foreach (var (key, value) in search.Values)
            filter = key switch
            {
                "job" => filter with { Job = value },
                "status" => filter with { Status = Choose(key, value, States, faults) },
                "trigger" => filter with { Trigger = Choose(key, value, Triggers, faults) },
                "since" => filter with { From = now - Choose(key, value, Spans, faults) },
                "from" => filter with { From = ReadTime(key, value, faults) },
                "to" => filter with { To = ReadTime(key, value, faults) },
                _ => filter with { RetryOf = ReadId(key, value, faults) },
            };
        return search.Words is null || filter.From is not null
            ? new(filter, search.Words, null, faults)
            : new(filter with { From = (filter.To ?? now) - Spans["24h"] }, search.Words, filter.To is null ? "the last 24 hours" : "the 24 hours before that time", faults);
    }

    /// <summary>The value that a word stands for; for another word null, and a fault.</summary>
    public static T? Choose<T>(string key, string value, IReadOnlyDictionary<string, T> known, List<string> faults) where T : struct
    {
        if (known.TryGetValue(value, out var found)) return found;
        faults.Add($"{key}: '{value}' is not one of {string.Join(", ", known.Keys)}.");
        return null;
    }

    private static DateTimeOffset? ReadTime(string key, string value, List<string> faults)
    {
        if (DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) && time.Year is >= 2000 and < 2200) return time;
        faults.Add($"{key}: '{Shown.Shorten(value)}' is not a time such as 2026-01-31T08:00Z (UTC).");
        return null;
    }

    private static Guid? ReadId(string key, string value, List<string> faults)
    {
        if (Guid.TryParse(value, out var id)) return id;
        faults.Add($"{key}: '{Shown.Shorten(value)}' is not a run's id.");
        return null;
    }
}
