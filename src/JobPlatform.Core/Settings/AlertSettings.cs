using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Settings;

/// <summary>From when on something is worth an alert, and who outside is told that the platform lives. Immutable.</summary>
public sealed record AlertSettings
{
    /// <summary><c>ALERT_MISSED_SECONDS</c>: how long after its due time a job without <c>missed_after_seconds</c> may start. Default 600.</summary>
    public TimeSpan MissedAfter { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary><c>ALERT_LONG_RUN_SECONDS</c>: a run that takes less is never too long. Default 300.</summary>
    public TimeSpan LongRun { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary><c>ALERT_QUEUE_DEPTH</c>: so many runs of a queue may wait though they could start. Default 1,000.</summary>
    public int QueueDepth { get; init; } = 1000;

    /// <summary><c>ALERT_MAIL_MINUTES</c>: how long a mail that is due may wait. Default 30.</summary>
    public TimeSpan MailStuck { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary><c>HEARTBEAT_URL</c>: what is called once a minute; null for nobody.</summary>
    public Uri? Heartbeat { get; init; }

    /// <summary>Reads the settings; adds a sentence for each fault.</summary>
    internal static AlertSettings Read(IConfiguration configuration, List<string> faults)
    {
        var defaults = new AlertSettings();
        Uri? heartbeat = null;
        // The address is the secret: it is not repeated.
        if (configuration["HEARTBEAT_URL"] is { Length: > 0 } url
            && !(Uri.TryCreate(url, UriKind.Absolute, out heartbeat) && heartbeat.Scheme is "http" or "https"))
            faults.Add("HEARTBEAT_URL: it is not an address such as https://hc-ping.com/5f0e….");
        return new()
        {
            MissedAfter = TimeSpan.FromSeconds(Number("ALERT_MISSED_SECONDS", (int)defaults.MissedAfter.TotalSeconds, 2_592_000)),
            LongRun = TimeSpan.FromSeconds(Number("ALERT_LONG_RUN_SECONDS", (int)defaults.LongRun.TotalSeconds, 604_800)),
            QueueDepth = Number("ALERT_QUEUE_DEPTH", defaults.QueueDepth, 9_999),
            MailStuck = TimeSpan.FromMinutes(Number("ALERT_MAIL_MINUTES", (int)defaults.MailStuck.TotalMinutes, 10_080)),
            Heartbeat = heartbeat,
        };

        int Number(string name, int byDefault, int most)
        {
            if (configuration[name] is not { Length: > 0 } text) return byDefault;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most) return number;
            faults.Add($"{name}: '{text}' is not a whole number from 1 to {most}.");
            return byDefault;
        }
    }
}
