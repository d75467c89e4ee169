using JobPlatform.Core.Schedules;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// A schedule in Hangfire's words. Hangfire's parser asks for day-of-month and day-of-week where Unix cron asks
/// for either; then it gets two recurring jobs, one for each. It only rings: which due times become runs is decided by
/// the platform's own reading, the same on both engines, so a ring too many does nothing, and one too few, where the two
/// readings of a clock change differ, is made up for by <see cref="Core.Engine.EngineOptions.Patience"/>.
/// </summary>
/// <param name="Cron">An expression of five fields or six.</param>
/// <param name="TimeZone">The zone that Hangfire reads it in.</param>
internal sealed record HangfireCron(string Cron, string TimeZone)
{
    private static readonly CronField[] Fields =
        [CronField.Second, CronField.Minute, CronField.Hour, CronField.DayOfMonth, CronField.Month, CronField.DayOfWeek];

    /// <summary>What rings at the due times: one recurring job or two.</summary>
    /// <param name="expression">A valid expression.</param>
    /// <param name="jobName">What <c>H</c> is chosen by.</param>
    /// <param name="timeZone">The job's zone.</param>
    /// <param name="now">From when on it is to ring.</param>
    public static IReadOnlyList<HangfireCron> Translate(string expression, string jobName, string timeZone, DateTimeOffset now)
    {
        var crons = Translate(expression, jobName);
        return TimeZones.Find(timeZone).GetAdjustmentRules().Any(rule => rule.DateEnd >= now.UtcDateTime.Date.AddYears(-1) && IsMisread(rule))
            ? [AtEveryQuarter(crons[0])]
            : [.. crons.Select(cron => new HangfireCron(cron, timeZone))];
    }

    /// <summary>What rings at every due time of any expression with this one's clock times; for those that Hangfire cannot read.</summary>
    public HangfireCron OnEveryDay()
    {
        if (Cron.StartsWith('@')) return this;
        var fields = Cron.Split(' ');
        for (var i = fields.Length - 3; i < fields.Length; i++) fields[i] = "*";
        return this with { Cron = string.Join(' ', fields) };
    }

    // Where winter time is the exception (Dublin, Casablanca, El Aaiun) or a zone changes for good, the parser within
    // Hangfire 1.8.25 finds next times that lie before the time it is asked for, and its scheduler, which asks on until
    // one comes after, stands still for an hour, with all schedules of all nodes.
    private static bool IsMisread(TimeZoneInfo.AdjustmentRule rule) => rule.DaylightDelta < TimeSpan.Zero || rule.BaseUtcOffsetDelta != TimeSpan.Zero;

    // All offsets of today's zones are whole quarters of an hour, and so are the moments at which they change.
    private static HangfireCron AtEveryQuarter(string cron)
    {
        var fields = cron.StartsWith('@') ? ["0", "*", "*", "*", "*"] : cron.Split(' ');
        var minute = fields.Length - 5;
        if (CronFieldParser.Parse(CronField.Minute, fields[minute], "", out var selection) is { } fault) throw new ArgumentException(fault, nameof(cron));
        var inQuarter = Enumerable.Range(0, 60).Where(value => (selection.Values >> value & 1) != 0).Select(value => value % 15).Append(0).ToHashSet();
        fields[minute] = string.Join(',', Enumerable.Range(0, 60).Where(value => inQuarter.Contains(value % 15)));
        for (var i = minute + 1; i < fields.Length; i++) fields[i] = "*";
        return new(string.Join(' ', fields), TimeZoneInfo.Utc.Id);
    }

    private static IReadOnlyList<string> Translate(string expression, string jobName)
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
