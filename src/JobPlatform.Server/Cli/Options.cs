using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace JobPlatform.Server.Cli;

/// <summary>Options that several verbs have, and how their texts are read.</summary>
internal static class Options
{
    private static readonly string[] TimeFormats = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    public static Option<bool> Json() => new("--json") { Description = "Print one JSON document instead of text." };

    /// <summary>Null when it was not given; <c>--wait</c> alone is 60 seconds.</summary>
    public static Option<TimeSpan?> Wait() => new("--wait")
    {
        Description = "Wait for the end, at most that long (60s, 5m, 1h; 60s when no time is given), and show log and progress on standard error.",
        HelpName = "time",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result =>
        {
            if (result.Tokens is not [var token]) return TimeSpan.FromSeconds(60);
            if (TryReadDuration(token.Value, out var duration)) return duration;
            result.AddError($"--wait: '{token.Value}' is not a time such as 60s, 5m or 1h.");
            return null;
        },
    };

    public static Option<int> Limit(int standard) => Count("--limit", standard);

    public static Option<int> Count(string name, int standard) => new(name)
    {
        Description = $"How many at most, 1 to 1000; {standard} when not given.",
        HelpName = "count",
        CustomParser = result => Whole(result, 1, 1000),
        DefaultValueFactory = _ => standard,
    };

    /// <summary>Null when it was not given.</summary>
    public static Option<DateTimeOffset?> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "time",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (DateTimeOffset.TryParseExact(text, TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
                return time;
            result.AddError($"{name}: '{text}' is not a time such as 2026-01-31T08:00:00Z, 2026-01-31T08:00+01:00 or 2026-01-31.");
            return null;
        },
    };

    /// <summary>A whole number within bounds; what is not is an error of the parse.</summary>
    public static int Whole(ArgumentResult result, int minimum, int maximum)
    {
        var text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum)
            return number;
        result.AddError($"{((OptionResult)result.Parent!).Option.Name}: '{text}' is not a whole number from {minimum} to {maximum}.");
        return default;
    }

    private static bool TryReadDuration(string text, out TimeSpan duration)
    {
        duration = default;
        var seconds = text is [.., 's'] ? 1 : text is [.., 'm'] ? 60 : text is [.., 'h'] ? 3600 : 0;
        var digits = seconds == 0 ? text : text[..^1];
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count > 100_000) return false;
        duration = TimeSpan.FromSeconds((long)count * Math.Max(seconds, 1));
        return true;
    }
}
