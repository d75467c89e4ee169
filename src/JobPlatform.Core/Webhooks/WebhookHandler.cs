using System.Text.Json.Nodes;
using JobPlatform.Core.Handlers;

namespace JobPlatform.Core.Webhooks;

/// <summary>A webhook in the form in which the executor sees every handler. Its config is any JSON object.</summary>
internal sealed class WebhookHandler(WebhookRow row, WebhookCaller caller) : IJobHandler
{
    public Type ConfigType => typeof(JsonObject);

    public async Task<RunOutcome> RunAsync(object config, RunContext run, CancellationToken cancellation)
    {
        var result = await caller.CallAsync(row,
            new WebhookEvent(run.JobName, run.RunId, run.Attempt, run.Trigger, run.ScheduledFor, (JsonObject)config), cancellation);
        if (result.Fault is null) return RunOutcome.Success(result.Answer);
        return result.IsTemporary
            ? RunOutcome.Fail(result.Fault, result.RetryAfter, result.Answer)
            : RunOutcome.FailForGood(result.Fault, result.Answer);
    }
}

/// <summary>Finds the webhook that a job's handler key names. Thread-safe.</summary>
public sealed class WebhookHandlers(WebhookHandlerStore store, WebhookCaller caller)
{
    /// <summary>The handler, or a sentence that says why there is none.</summary>
    public async Task<(IJobHandler? Handler, string? Refusal)> ResolveAsync(string key, CancellationToken cancellation)
    {
        // Read anew for each run: a change is in force at once, and a call costs more than this.
        var row = await store.FindRowAsync(key, cancellation);
        if (row is null) return (null, await store.DescribeUnknownAsync(key, cancellation));
        return row.IsEnabled
            ? (new WebhookHandler(row, caller), null)
            : (null, $"The webhook '{key}' is disabled. Enable it, or disable the job.");
    }
}
