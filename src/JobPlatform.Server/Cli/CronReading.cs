using System.Diagnostics.CodeAnalysis;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Server.Cli;

/// <summary>What is asked about an expression.</summary>
/// <param name="TimeZone">The IANA zone.</param>
/// <param name="After">Due times after this one; null for now, also when now moves on.</param>
/// <param name="Count">How many due times.</param>
/// <param name="Name">What H is chosen by.</param>
internal sealed record CronQuestion(string TimeZone, DateTimeOffset? After, int Count, string Name);

/// <summary>An expression that could be read, with its next due times in UTC.</summary>
internal sealed record CronReading(string Text, CronExpression Cron, TimeZoneInfo Zone, IReadOnlyList<DateTimeOffset> Next)
{
    public static bool TryRead(string text, CronQuestion question, [NotNullWhen(true)] out CronReading? reading, [NotNullWhen(false)] out string? error)
    {
        reading = null;
        if (!CronExpression.TryParse(text, question.Name, out var cron, out error)
            || !TimeZones.TryFind(question.TimeZone, out var zone, out error)) return false;
        reading = new(text, cron, zone, cron.Following(question.After ?? TimeProvider.System.GetUtcNow(), zone, question.Count));
        return true;
    }

    /// <summary>As it is written in JSON; UTC times end with Z.</summary>
    public object ToJson() =>
        new { Expression = Text, TimeZone = Zone.Id, Description = Cron.Describe(), Next = Next.Select(due => due.UtcDateTime) };
}
