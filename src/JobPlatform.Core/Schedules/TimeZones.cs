using System.Diagnostics.CodeAnalysis;

namespace JobPlatform.Core.Schedules;

/// <summary>Finds time zones by IANA name, the same on every operating system. Thread-safe.</summary>
public static class TimeZones
{
    /// <summary>The zone of this name.</summary>
    /// <param name="id">An IANA name such as <c>Europe/Berlin</c>, or <c>UTC</c>.</param>
    /// <exception cref="TimeZoneNotFoundException">One sentence that names the value and the remedy.</exception>
    public static TimeZoneInfo Find(string id) =>
        TryFind(id, out var zone, out var error) ? zone : throw new TimeZoneNotFoundException(error);

    /// <summary>Finds a zone as <see cref="Find"/> does, or says in one sentence what is wrong.</summary>
    public static bool TryFind(string? id,
        [NotNullWhen(true)] out TimeZoneInfo? zone, [NotNullWhen(false)] out string? error)
    {
        zone = null;
        error = null;
        if (IsPortable(id) && TimeZoneInfo.TryFindSystemTimeZoneById(id, out zone))
            return true;
        error = Refusal(id ?? "");
        return false;
    }

    // The zone files also hold names that mean another thing on each machine or count leap seconds, and on Unix a name
    // is a path. Windows names are refused because machines without ICU do not know them.
    private static bool IsPortable([NotNullWhen(true)] string? id) =>
        !string.IsNullOrEmpty(id)
        && char.IsAsciiLetterUpper(id[0])
        && id.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '_' or '-' or '+')
        && (id == TimeZoneInfo.Utc.Id || !TimeZoneInfo.TryConvertWindowsIdToIanaId(id, out _));

    private static string Refusal(string id)
    {
        if (string.IsNullOrWhiteSpace(id))
            return "time zone '' is empty: use an IANA name such as 'Europe/Berlin', or 'UTC'";
        var shown = id.Length <= 40 ? id : id[..40] + "…";
        return FindMeant(id) is { } meant
            ? $"time zone '{shown}' is not known: did you mean '{meant}'?"
            : $"time zone '{shown}' is not known: use an IANA name such as 'Europe/Berlin', or 'UTC'";
    }

    private static string? FindMeant(string id)
    {
        string[] names = ["UTC", .. TimeZoneInfo.GetSystemTimeZones().Select(zone => zone.Id)];
        var city = id.Trim().Replace(' ', '_');
        return Array.Find(names, name => ("/" + name).EndsWith("/" + city, StringComparison.OrdinalIgnoreCase))
            ?? (TimeZoneInfo.TryConvertWindowsIdToIanaId(id, out var converted) ? converted : null)
            ?? Suggestion.Nearest(city, names);
    }
}
