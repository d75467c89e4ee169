using System.Diagnostics.CodeAnalysis;
using Hangfire.Client;

namespace JobPlatform.Engine.Hangfire;

/// <summary>What our recurring jobs are called in Hangfire; all others are none of our business.</summary>
internal static class RecurringIds
{
    public const string Prefix = "jobplatform:";

    // No job's name has a blank.
    private const string SecondSuffix = " (weekdays)";

    /// <summary>The id of the n-th recurring job of a job.</summary>
    public static string Of(string jobName, int n) => n == 0 ? Prefix + jobName : Prefix + jobName + SecondSuffix;

    /// <summary>Both ids that a job can have.</summary>
    public static IEnumerable<string> AllOf(string jobName) => [Of(jobName, 0), Of(jobName, 1)];

    /// <summary>Whether a recurring job of ours is being turned into a job, and of which job of the platform.</summary>
    public static bool IsOurs(CreateContext context, [NotNullWhen(true)] out string? jobName)
    {
        jobName = null;
        if (context.Job.Type != typeof(PlatformRun) || !context.Parameters.TryGetValue("RecurringJobId", out var id)
            || id is not string text || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        jobName = text[Prefix.Length..];
        if (jobName.EndsWith(SecondSuffix, StringComparison.Ordinal)) jobName = jobName[..^SecondSuffix.Length];
        return true;
    }
}
