namespace JobPlatform.Core.Schedules;

/// <summary>Reads a whole expression: macros, the number of fields, and whether it ever comes due.</summary>
internal static class CronParser
{
    // A list of all sixty minutes needs 169 characters; what is longer was not written by a person.
    private const int LongestExpression = 500;

    private static readonly CronField[] Fields =
    [
        CronField.Second, CronField.Minute, CronField.Hour,
        CronField.DayOfMonth, CronField.Month, CronField.DayOfWeek,
    ];

    private static readonly Dictionary<string, string> Macros = new(StringComparer.OrdinalIgnoreCase)
    {
        ["@yearly"] = "0 0 1 1 *",
        ["@annually"] = "0 0 1 1 *",
        ["@monthly"] = "0 0 1 * *",
        ["@weekly"] = "0 0 * * 0",
        ["@daily"] = "0 0 * * *",
        ["@midnight"] = "0 0 * * *",
        ["@hourly"] = "0 * * * *",
    };

    /// <summary>The sentence that says what is wrong, or null.</summary>
    public static string? Parse(string expression, string hashKey, out CronCalendar? calendar)
    {
        calendar = null;
        if (expression.Length > LongestExpression)
            return $"cron expression is {expression.Length} characters long: use at most {LongestExpression}";
        if (expression.StartsWith('@'))
        {
            if (!Macros.TryGetValue(expression, out var meaning))
                return UnknownMacro(expression);
            expression = meaning;
        }

        var texts = expression.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (texts.Length == 5)
            texts = ["0", .. texts];
        if (texts.Length != 6)
            return WrongFieldCount(expression, texts.Length);

        var selections = new CronSelection[6];
        for (var i = 0; i < 6; i++)
        {
            if (CronFieldParser.Parse(Fields[i], texts[i], hashKey, out selections[i]) is { } fault)
                return fault;
        }

        var read = new CronCalendar(selections);
        if (!read.EverMatches())
            return $"day-of-month '{texts[3]}' with month '{texts[4]}' and day-of-week '{texts[5]}' never occurs: "
                + "choose a day that exists in that month";
        calendar = read;
        return null;
    }

    private static string UnknownMacro(string macro)
    {
        if (macro.Equals("@reboot", StringComparison.OrdinalIgnoreCase))
            return "macro '@reboot' has no due time: use a time, and enqueue the job where the start-up happens";
        var shown = macro.Length <= 40 ? macro : macro[..40] + "…";
        return Suggestion.Nearest(macro, Macros.Keys) is { } meant
            ? $"macro '{shown}' is not known: did you mean '{meant}'?"
            : $"macro '{shown}' is not known: use one of {string.Join(", ", Macros.Keys)}";
    }

    private static string WrongFieldCount(string expression, int count) => count switch
    {
        0 => "cron expression '' is empty: use five fields (minute hour day-of-month month day-of-week)",
        7 => $"cron expression '{expression}' has 7 fields: remove the last one, a year is not supported",
        _ => $"cron expression '{(expression.Length <= 80 ? expression : expression[..80] + "…")}' has {count} "
            + $"field{(count == 1 ? "" : "s")}: use five (minute hour day-of-month month day-of-week), "
            + "or six with the second first",
    };
}
