using System.Globalization;

namespace JobPlatform.Core;

/// <summary>Times and spans as people read them in sentences and tables.</summary>
public static class TimeText
{
    /// <summary>"2026-01-31 08:00:05", in UTC.</summary>
    public static string At(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>"2026-01-31 08:00:05 UTC (5 min ago)", or "(in 5 min)".</summary>
    public static string AtAndAge(DateTimeOffset at, DateTimeOffset now) => $"{At(at)} UTC ({Age(at, now)})";

    /// <summary>"5 min ago", "in 2 h".</summary>
    public static string Age(DateTimeOffset at, DateTimeOffset now) => at > now ? $"in {Coarse(at - now)}" : $"{Coarse(now - at)} ago";

    /// <summary>"40 s", "5 min", "47 h", "3 d".</summary>
    public static string Coarse(TimeSpan span) => span switch
    {
        { TotalSeconds: < 60 } => $"{(int)span.TotalSeconds} s",
        { TotalMinutes: < 60 } => $"{(int)span.TotalMinutes} min",
        { TotalHours: < 48 } => $"{(int)span.TotalHours} h",
        _ => $"{(int)span.TotalDays} d",
    };

    /// <summary>"35 ms", "1.2 s", "3 min 5 s", "2 h 10 min".</summary>
    public static string Duration(long milliseconds) => milliseconds switch
    {
        < 1000 => $"{milliseconds} ms",
        < 60_000 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000.0:0.0} s"),
        < 3_600_000 => $"{milliseconds / 60_000} min {milliseconds / 1000 % 60} s",
        _ => $"{milliseconds / 3_600_000} h {milliseconds / 60_000 % 60} min",
    };
}
