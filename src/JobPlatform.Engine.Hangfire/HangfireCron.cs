using JobPlatform.Core.Schedules;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// A cron expression in Hangfire's words. Hangfire's parser asks for day-of-month and day-of-week where Unix cron asks
/// for either; then it gets two recurring jobs, one for each. It only rings: which due times become runs is decided by
/// the platform's own reading, the same on both engines, so a ring too many does nothing, and one too few, where the two
/// readings of a clock change differ, is made up for by <see cref="Core.Engine.EngineOptions.Patience"/>.
/// </summary>
internal static class HangfireCron
{
    private static readonly CronField[] Fields =
        [CronField.Second, CronField.Minute, CronField.Hour, CronField.DayOfMonth, CronField.Month, CronField.DayOfWeek];

    /// <summary>One or two expressions, of five fields or six.</summary>
    /// <param name="expression">A valid expression.</param>
    /// <param name="jobName">What <c>H</c> is chosen by.</param>
    public static IReadOnlyList<string> Translate(string expression, string jobName)
    {
        var text = expression.Trim();
        if (text.StartsWith('@')) return [text.ToLowerInvariant()];
        var fields = text.ToUpperInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var offset = 6 - fields.Length;
        for (var i = 0; i < fields.Length; i++) fields[i] = Resolve(Fields[i + offset], fields[i], jobName);
        var (days, weekdays) = (fields.Length - 3, fields.Length - 1);
        if (IsStarred(fields[days]) || IsStarred(fields[weekdays])) return [string.Join(' ', fields)];
        return [string.Join(' ', With(fields, weekdays)), string.Join(' ', With(fields, days))];
    }

    /// <summary>What rings at every due time of any expression with this one's clock times; for those that Hangfire cannot read.</summary>
    public static string OnEveryDay(string translated)
    {
        if (translated.StartsWith('@')) return translated;
        var fields = translated.Split(' ');
        for (var i = fields.Length - 3; i < fields.Length; i++) fields[i] = "*";
        return string.Join(' ', fields);
    }

    private static bool IsStarred(string field) => field.StartsWith('*') || field == "?";

    private static string[] With(string[] fields, int starred)
    {
        var copy = (string[])fields.Clone();
        copy[starred] = "*";
        return copy;
    }

    // H, and a list with a star in it, are written out; everything else Hangfire reads as we do.
    private static string Resolve(CronField field, string text, string jobName)
    {
        var items = text.Split(',');
        if (!Array.Exists(items, item => item.StartsWith('H') || (items.Length > 1 && item.StartsWith('*')))
            || CronFieldParser.Parse(field, text, jobName, out var selection) is not null) return text;
        var values = Enumerable.Range(field.Min, field.Count).Where(value => (selection.Values >> value & 1) != 0).ToList();
        return values.Count == field.Count ? "*" : string.Join(',', values);
    }
}
