using System.Diagnostics.Metrics;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Telemetry;

/// <summary>What this process counts while it works. Thread-safe.</summary>
public static class RunMetrics
{
    /// <summary>The name of the meter, here and in <see cref="LoadGauges"/>.</summary>
    public const string MeterName = "JobPlatform";

    private static readonly Meter Meter = new(MeterName);
    // From a run that only looks to one that takes an hour; the default boundaries are made for milliseconds.
    private static readonly InstrumentAdvice<double> Seconds = new() { HistogramBucketBoundaries = [0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 60, 300, 900, 3600] };

    private static readonly Counter<long> Runs = Meter.CreateCounter<long>("jobplatform.runs", "{run}", "Runs that ended in this process");
    private static readonly Histogram<double> Wait = Meter.CreateHistogram("jobplatform.run.wait", "s", "From the time an attempt was to start until it started", null, Seconds);
    private static readonly Histogram<double> Duration = Meter.CreateHistogram("jobplatform.run.duration", "s", "From the start of an attempt to its end", null, Seconds);
    private static readonly Counter<long> Mails = Meter.CreateCounter<long>("jobplatform.emails", "{email}", "E-mails that this process tried to send");

    /// <summary>Counts an e-mail.</summary>
    /// <param name="outcome"><c>sent</c>, <c>retried</c> or <c>failed</c>.</param>
    public static void CountMail(string outcome) => Mails.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>Counts an attempt that has been recorded.</summary>
    /// <param name="ending">How it ended.</param>
    /// <param name="recorded">The run's state that was recorded.</param>
    internal static void Count(RunEnding ending, RunStatus recorded)
    {
        // Without its job the run was handed back or never began.
        if (ending.Job is not { Name: var name }) return;
        var job = new KeyValuePair<string, object?>("job", name);
        var status = new KeyValuePair<string, object?>("status", recorded.ToWord());
        if (recorded.IsEnd()) Runs.Add(1, job, status, new("trigger", ending.Run.Trigger.ToString().ToLowerInvariant()));
        Wait.Record(Math.Max(0, (ending.StartedAt - ending.Run.RunAt).TotalSeconds), job);
        Duration.Record(ending.DurationMs / 1000.0, job, status);
    }
}
