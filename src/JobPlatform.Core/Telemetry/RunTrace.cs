using System.Diagnostics;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Telemetry;

/// <summary>Traces that go through the queue: who asked for a run is kept with it, and what it does is a part of that trace.</summary>
public static class RunTrace
{
    /// <summary>The name of the source.</summary>
    public const string SourceName = "JobPlatform";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>What is kept with a run that is asked for now; null where nobody traces.</summary>
    internal static string? Current => Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } ? id : null;

    /// <summary>
    /// Begins the part of an attempt: the SQL and HTTP of its handler belong to it, and webhooks are told of it also where
    /// this process exports nothing.
    /// </summary>
    internal static Activity? Begin(ClaimedRun run, Job job)
    {
        var name = $"run {job.Name}";
        if (!ActivityContext.TryParse(run.TraceParent, null, isRemote: true, out var asked)) asked = default;
        var activity = Source.StartActivity(name, ActivityKind.Consumer, asked);
        if (activity is null && asked != default) activity = new Activity(name).SetParentId(asked.TraceId, asked.SpanId, asked.TraceFlags).Start();
        return activity?.SetTag("jobplatform.job", job.Name).SetTag("jobplatform.run_id", run.Id)
            .SetTag("jobplatform.attempt", run.Attempt).SetTag("jobplatform.trigger", run.Trigger.ToString().ToLowerInvariant()).SetTag("jobplatform.handler", job.Handler);
    }

    /// <summary>Says how the attempt ended.</summary>
    internal static void End(Activity? activity, RunEnding ending)
    {
        if (activity is null) return;
        activity.SetTag("jobplatform.status", ending.Status.ToWord());
        // Not the error's text: it stands in the run, and a collector is not the place for what handlers say.
        if (ending.Status is RunStatus.Failed or RunStatus.Retrying) activity.SetStatus(ActivityStatusCode.Error);
        activity.Dispose();
    }
}
