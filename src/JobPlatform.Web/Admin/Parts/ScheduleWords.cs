using JobPlatform.Core.Schedules;

namespace JobPlatform.Web.Admin.Parts;

/// <summary>A job's schedule in words.</summary>
internal static class ScheduleWords
{
    /// <summary>"at 02:30 every day, Europe/Berlin"; for one without an expression, or with a faulty one, that.</summary>
    public static string Of(string? cron, string timeZone, string job) =>
        cron is null ? "only when it is asked to"
        : !CronExpression.TryParse(cron, job, out var expression, out _) ? "its cron expression cannot be read"
        : $"{expression.Describe()}, {timeZone}";
}
