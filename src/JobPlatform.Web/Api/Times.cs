using System.Text.Json;

namespace JobPlatform.Web.Api;

/// <summary>Times that callers give.</summary>
internal static class Times
{
    public const string Expected = "a time with its offset, such as 2026-01-31T08:00:00Z, of the years 2000 to 2199";

    // The years shut out PostgreSQL's infinities, which the ends of .NET's calendar become, and most slips of the pen.
    public static bool TryRead(JsonElement value, out DateTimeOffset time)
    {
        time = default;
        if (!IsExpected(value)) return false;
        // The database takes times of UTC only.
        time = value.GetDateTimeOffset().ToUniversalTime();
        return time.Year is >= 2000 and < 2200;
    }

    private static bool IsExpected(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.TryGetDateTime(out var withKind) && withKind.Kind != DateTimeKind.Unspecified
        && value.TryGetDateTimeOffset(out _);
}
