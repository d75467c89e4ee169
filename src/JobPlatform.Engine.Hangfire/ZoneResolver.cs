using Hangfire;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Engine.Hangfire;

/// <summary>Time zones as everywhere on the platform, not as the operating system happens to call them.</summary>
internal sealed class ZoneResolver : ITimeZoneResolver
{
    public TimeZoneInfo GetTimeZoneById(string timeZoneId) => TimeZones.Find(timeZoneId);
}
