using System.Globalization;

namespace JobPlatform.Core.Schedules;

/// <summary>Reads the text of one field. A method that can refuse returns the sentence, or null.</summary>
internal sealed class CronFieldParser(CronField field, string hashKey)
{
    // Jenkins does the same: a hashed day must exist in every month.
    private const int LastHashedDayOfMonth = 28;

    private readonly CronSelection _selection = new();

    public static string? Parse(CronField field, string text, string hashKey, out CronSelection selection)
    {
        var parser = new CronFieldParser(field, hashKey);
        selection = parser._selection;
        selection.IsStarred = text.StartsWith('*') || text == "?";
        foreach (var item in text.ToUpperInvariant().Split(','))
        {
            if (parser.Item(item) is { } fault)
                return fault;
        }

        return null;
    }

    private string? Item(string item)
    {
        if (field == CronField.DayOfMonth && (item.Contains('L') || item.EndsWith('W')))
            return SpecialDate(item);
        if (field == CronField.DayOfWeek && item.Contains('#'))
            return NthWeekday(item);
        if (field == CronField.DayOfWeek && item.EndsWith('L'))
            return LastWeekday(item);
        return Range(item);
    }

    private string? SpecialDate(string item)
    {
        if (item == "LW")
            _selection.LastWorkday = true;
        else if (item == "L")
            _selection.DaysBeforeLast |= 1;
        else if (item.StartsWith("L-", StringComparison.Ordinal) && TryNumber(item[2..], out var before)
            && before is >= 1 and <= 30)
            _selection.DaysBeforeLast |= 1u << before;
        else if (item.EndsWith('W') && TryNumber(item[..^1], out var day) && day is >= 1 and <= 31)
            _selection.NearestWorkdays |= 1u << day;
        else
            return Fault(item, "is not a special day: use L, L-1 to L-30, LW, or 1W to 31W");
        return null;
    }

    private string? NthWeekday(string item)
    {
        if (item.Split('#') is not [var name, var text] || !TryNumber(text, out var n) || n is < 1 or > 5)
            return Fault(item, "does not say which one of the month: use a day and #1 to #5, for example FRI#2");
        if (Value(name, item, out var weekday) is { } fault)
            return fault;
        _selection.NthWeekdays |= 1UL << (7 * (n - 1) + weekday % 7);
        return null;
    }

    private string? LastWeekday(string item)
    {
        if (item == "L")
            return Fault(item, "names no day: use for example FRIL or 5L for the last Friday of the month");
        if (Value(item[..^1], item, out var weekday) is { } fault)
            return fault;
        _selection.LastWeekdays |= 1u << weekday % 7;
        return null;
    }

    private string? Range(string item)
    {
        var parts = item.Split('/');
        var text = parts[0];
        var step = 1;
        if (parts.Length > 2)
            return Fault(item, "has more than one '/': use a single step such as */5");
        if (parts.Length == 2 && (!TryNumber(parts[1], out step) || step < 1 || step >= field.Count))
            return $"{field.Name} step '{Show(parts[1])}' is out of range: use 1 to {field.Count - 1}";

        if (text == "?")
            return parts.Length == 1 && field.IsDay
                ? Select(field.Min, field.Max, 1)
                : Fault(item, "is not allowed: write ? alone and in a day field only, or use *");
        if (text == "*")
            return Select(field.Min, field.Max, step);
        if (text == "H" || text.StartsWith("H(", StringComparison.Ordinal))
            return Hashed(text, parts.Length == 2 ? step : null);

        // A name may not hold a hyphen, so the first one separates the two ends.
        var hyphen = text.IndexOf('-');
        if (Value(hyphen < 0 ? text : text[..hyphen], item, out var first) is { } fault)
            return fault;
        if (hyphen < 0)
            return Select(first, parts.Length == 2 ? field.Max : first, step);
        return Value(text[(hyphen + 1)..], item, out var last) ?? Select(first, last, step);
    }

    private string? Hashed(string text, int? step)
    {
        var first = field.Min;
        var last = field == CronField.DayOfMonth ? LastHashedDayOfMonth : field.Max;
        if (text != "H")
        {
            if (!text.EndsWith(')') || text[2..^1].Split('-') is not [var from, var to])
                return Fault(text, "is not a hashed range: use for example H(0-29)");
            if ((Value(from, text, out first) ?? Value(to, text, out last)) is { } fault)
                return fault;
            if (first > last)
                return Fault(text, "ends before it begins: write the lower value first");
        }

        if (step is not { } width)
        {
            first += CronHash.Pick(hashKey, field, last - first + 1);
            return Select(first, first, 1);
        }

        return Select(first + CronHash.Pick(hashKey, field, Math.Min(width, last - first + 1)), last, width);
    }

    /// <summary>Selects a range; one that ends before it begins wraps around, so 22-2 is 22, 23, 0, 1 and 2.</summary>
    private string? Select(int first, int last, int step)
    {
        // 7 is Sunday at the end of a range (5-7) and at its begin (7-2).
        if (field == CronField.DayOfWeek && first == 7)
            (first, last) = (0, last == 7 ? 0 : last);
        if (last < first)
            last += field.Count;
        for (var value = first; value <= last; value += step)
            _selection.Values |= 1UL << (value > field.Max ? value - field.Count : value);
        return null;
    }

    private string? Value(string text, string item, out int value)
    {
        if (TryNumber(text, out value))
        {
            var max = field == CronField.DayOfWeek ? 7 : field.Max;
            return value >= field.Min && value <= max ? null : Fault(text, $"is out of range: use {field.Range}");
        }

        var index = field.Names.IndexOf(text);
        value = index + field.Min;
        if (index >= 0)
            return null;
        if (text.Length == 0)
            return item.Length == 0
                ? $"{field.Name} '' is empty: write a value before and after each comma, from {field.Range}"
                : Fault(item, $"lacks a value: use {field.Range}");

        var meant = field.Names.FirstOrDefault(name => text.StartsWith(name, StringComparison.Ordinal))
            ?? Suggestion.Nearest(text, field.Names);
        return meant is null
            ? Fault(text, $"is not known: use {field.Range}, *, a list 1,2, a range 1-5 or a step */2")
            : Fault(text, $"is not known: did you mean '{meant}'?");
    }

    private string Fault(string value, string problem) => $"{field.Name} '{Show(value)}' {problem}";

    private static string Show(string value) => value.Length <= 40 ? value : value[..40] + "…";

    /// <summary>Digits only: no sign, no blanks. Too many digits come out as a number that no field has.</summary>
    private static bool TryNumber(string text, out int number)
    {
        number = int.MaxValue;
        if (text.Length == 0 || !text.All(char.IsAsciiDigit))
            return false;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number))
            number = int.MaxValue;
        return true;
    }
}
