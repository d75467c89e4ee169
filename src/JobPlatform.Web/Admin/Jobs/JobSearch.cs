using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Web.Admin.Search;

namespace JobPlatform.Web.Admin.Jobs;

/// <summary>Reads a search for jobs.</summary>
internal static class JobSearch
{
    private static readonly Dictionary<string, JobSort> Sorts = new() { ["name"] = JobSort.Name, ["next"] = JobSort.NextDue, ["last"] = JobSort.LastRun };

    /// <summary>The states in which a last run can be.</summary>
    private static readonly string[] Ends = [.. Enum.GetValues<RunStatus>().Where(status => status.IsEnd()).Select(status => status.ToWord())];

    /// <summary>The filters with values to offer.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Suggestions(IReadOnlyList<string> handlers) => new Dictionary<string, IReadOnlyList<string>>
    {
        ["status"] = Ends, ["handler"] = handlers, ["enabled"] = ["yes", "no"], ["sort"] = [.. Sorts.Keys],
    };

    /// <summary>The filter, and what could not be understood.</summary>
    public static (JobFilter Filter, IReadOnlyList<string> Faults) Read(string? text)
    {
        var search = SearchText.Parse(text, ["status", "handler", "enabled", "sort"]);
        var faults = search.Faults.ToList();
        var filter = new JobFilter { Search = search.Words };
        foreach (var (key, value) in search.Values)
            filter = (key, value) switch
            {
                ("handler", _) => filter with { Handler = value },
                ("enabled", "yes") => filter with { IsEnabled = true },
                ("enabled", "no") => filter with { IsEnabled = false },
                ("status", _) when Ends.Contains(value) => filter with { LastStatus = RunStatusExtensions.FromWord(value) },
                ("sort", _) when Sorts.TryGetValue(value, out var sort) => filter with { Sort = sort },
                _ => Refuse(key, value),
            };
        return (filter, faults);

        JobFilter Refuse(string key, string value)
        {
            faults.Add($"{key}: '{value}' is not one of {string.Join(", ", key switch { "enabled" => ["yes", "no"], "sort" => Sorts.Keys, _ => Ends })}.");
            return filter;
        }
    }
}
