using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using JobPlatform.Core.Alerts;
using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Settings;
using JobPlatform.Core.Telemetry;
using JobPlatform.Core.Webhooks;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Runs;

/// <summary>
/// Executes one claimed run and says how it ended; recording that is the engine's. One pipeline for every engine:
/// resolve, start the clock, run, decide. Thread-safe.
/// </summary>
public sealed partial class RunExecutor(
    JobCatalog jobs, HandlerCatalog handlers, WebhookHandlers webhooks, AppDatabase app, RunJournal journal, JobPings pings, SecretRedactor redactor,
    IServiceProvider services, TimeProvider clock, ILogger<RunExecutor> log)
{
    private const int LongestOutput = 256 * 1024;
    private const int LongestMessage = 4 * 1024;
    private const int LongestStack = 8 * 1024;
    // Long enough for a database that restarts, short enough for a run that was due.
    private static readonly TimeSpan NextLook = TimeSpan.FromSeconds(5);
    // A service that asks for more has closed for good, or is in error.
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);
    private readonly ConcurrentDictionary<string, bool> _tablesFound = new(StringComparer.Ordinal);

    /// <summary>Executes the run. Never throws; a handler that ignores its token is left behind after 30 s.</summary>
    /// <returns>How it ended, and the handler's task when it was left behind (the caller keeps its place taken).</returns>
    public async ValueTask<(RunEnding Ending, Task? LeftBehind)> ExecuteAsync(ClaimedRun run, RunControl control)
    {
        var startedAt = clock.GetUtcNow();
        Job? job = null;
        RunContext? context = null;
        Task? leftBehind = null;
        RunEnding ending;
        Activity? trace = null;
        using var scope = log.BeginScope(new RunScope(run));
        try
        {
            // Canceled, or taken by another worker, while it waited in this one's queue.
            control.Token.ThrowIfCancellationRequested();
            job = await jobs.FindAsync(run.JobId, run.JobVersion, control.Token);
            if (job is not null) trace = RunTrace.Begin(run, job);
            var (handler, config, refusal) = await ResolveAsync(job, run, control.Token);
            if (job is { IsEnabled: false } && !run.Forced)
            {
                ending = End(run, RunStatus.Canceled, startedAt) with
                {
                    Error = Error("job_disabled", "The job was disabled while the run waited.", run.Attempt),
                };
            }
            else if (refusal is not null)
            {
                ending = Fail(run, job, startedAt, "refused", refusal, forGood: true);
            }
            else
            {
                context = new RunContext(run, job!, journal, clock);
                pings.Started(job!, run);
                control.StartTimeout(TimeSpan.FromSeconds(job!.TimeoutSeconds));
                var work = handler!.RunAsync(config!, context, control.Token);
                if (!work.IsCompleted && !await EndsAsync(work, control))
                {
                    LogLeftBehind(job.Name, run.Id);
                    leftBehind = work;
                    ending = Fail(run, job, startedAt, "timeout",
                        $"The handler did not stop within {RunControl.AbandonAfter.TotalSeconds:0} s after it was told to ({Why(control, job)}). It is not tried again, as it may still be at work.",
                        forGood: true, outcome: AttemptOutcome.Timeout);
                }
                else
                {
                    ending = Decide(run, job, startedAt, await work);
                }
            }
        }
        catch (Exception e) when (context is null && !control.Token.IsCancellationRequested && e is NpgsqlException or TimeoutException or IOException)
        {
            // The handler has not begun, so that the run is as good as new.
            LogGivenBack(e, run.Id);
            ending = End(run, RunStatus.Queued, startedAt) with
            {
                RunAt = clock.GetUtcNow() + NextLook, CountsAttempt = false,
                Error = Error("database", $"A database did not answer before the handler began; the run is tried again. {e.Message}", run.Attempt),
            };
        }
        catch (Exception e)
        {
            ending = control.Token.IsCancellationRequested ? Stopped(run, job, startedAt, control) : Fail(run, job, startedAt, e);
        }
        if (context?.HasSpoken == true) await journal.FlushAsync();
        if (ending.Status == RunStatus.Failed) LogFailed(job?.Name ?? "(deleted)", run.Id, run.Attempt, ending.Error!);
        RunTrace.End(trace, ending);
        return (ending with { Job = job }, leftBehind);
    }

    private async ValueTask<(IJobHandler? Handler, object? Config, string? Refusal)> ResolveAsync(
        Job? job, ClaimedRun run, CancellationToken cancellation)
    {
        if (job is null) return (null, null, "The job was deleted.");
        if (handlers.Find(job.Handler) is not { } descriptor)
        {
            var (webhook, fault) = await webhooks.ResolveAsync(job.Handler, cancellation);
            return (webhook, ConfigReader.Merge(job.Config, run.ParsePayload()), fault);
        }
        if (!descriptor.IsOpen)
            return (null, null, $"The handler {descriptor.Key} is off: it needs the setting {descriptor.Gate}.");
        foreach (var table in descriptor.Tables)
        {
            // Found once is enough: a table that is dropped later makes the handler's own statement say so.
            if (_tablesFound.ContainsKey(table)) continue;
            var missing = await app.FindMissingAsync(descriptor.Tables, cancellation);
            if (missing.Count > 0)
                return (null, null, $"The application's database lacks {string.Join(", ", missing)}, which {descriptor.Key} needs.");
            foreach (var found in descriptor.Tables) _tablesFound[found] = true;
        }
        var (config, faults) = ConfigReader.Read(descriptor.ConfigType, job.Config, run.ParsePayload());
        return faults.Count > 0
            ? (null, null, $"The config does not fit. {string.Join(' ', faults)}")
            : (descriptor.Create(services), config, null);
    }

    private async Task<bool> EndsAsync(Task work, RunControl control)
    {
        if (!control.Token.CanBeCanceled) return await WaitAsync(work, Timeout.InfiniteTimeSpan);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (control.Token.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), stopped))
            await Task.WhenAny(work, stopped.Task);
        return work.IsCompleted || await WaitAsync(work, RunControl.AbandonAfter);
    }

    private async Task<bool> WaitAsync(Task work, TimeSpan limit)
    {
        using var enough = new CancellationTokenSource();
        await Task.WhenAny(work, Task.Delay(limit, clock, enough.Token));
        await enough.CancelAsync();
        return work.IsCompleted;
    }

    private RunEnding Decide(ClaimedRun run, Job job, DateTimeOffset startedAt, RunOutcome outcome) => outcome switch
    {
        RunOutcome.Succeeded { Output: var output } =>
            End(run, RunStatus.Success, startedAt) with { Output = output is null ? null : Write(output.Value) },
        RunOutcome.Failed failed => Delay(Fail(run, job, startedAt, "failed", failed.Message, failed.ForGood), failed.RetryAfter) with
        {
            Output = failed.Output is { } output ? Write(output) : null,
        },
        RunOutcome.Snoozed { Until: var until } => End(run, RunStatus.Queued, startedAt) with { RunAt = until, CountsAttempt = false },
        RunOutcome.SafetyStopped { Output: var output } =>
            End(run, RunStatus.Skipped, startedAt) with { SkipReason = "safety_stop", Output = Write(output) },
        RunOutcome.Overlapped { Output: var output } =>
            End(run, RunStatus.Skipped, startedAt) with { SkipReason = "overlap", Output = Write(output) },
        _ => throw new InvalidOperationException($"The outcome {outcome} has no meaning here."),
    };

    private RunEnding Stopped(ClaimedRun run, Job? job, DateTimeOffset startedAt, RunControl control) => control.Reason switch
    {
        StopReason.None => Fail(run, job, startedAt, "timeout",
            $"The time was up: {Why(control, job)}.", forGood: false, outcome: AttemptOutcome.Timeout),
        StopReason.Canceled => End(run, RunStatus.Canceled, startedAt) with
        {
            Error = Error("canceled", "The run was canceled.", run.Attempt), Attempt = AttemptOutcome.Canceled,
        },
        _ => End(run, RunStatus.Queued, startedAt) with { RunAt = clock.GetUtcNow(), CountsAttempt = false },
    };

    private static string Why(RunControl control, Job? job) => control.Reason switch
    {
        StopReason.None => $"the job allows {job?.TimeoutSeconds} s (timeout_seconds)",
        StopReason.Canceled => "the run was canceled",
        StopReason.Draining => "the process shuts down",
        _ => "the worker's lease ended",
    };

    private RunEnding Fail(ClaimedRun run, Job? job, DateTimeOffset startedAt, Exception exception) =>
        Fail(run, job, startedAt, exception.GetType().FullName!, exception.Message, forGood: false, exception.StackTrace);

    private RunEnding Fail(ClaimedRun run, Job? job, DateTimeOffset startedAt, string type, string message, bool forGood,
        string? stack = null, AttemptOutcome outcome = AttemptOutcome.Failed)
    {
        var ending = End(run, RunStatus.Failed, startedAt) with { Error = Error(type, message, run.Attempt, stack), Attempt = outcome };
        if (forGood || job is null || run.Tries >= job.MaxAttempts) return ending;
        var delay = RetryPolicy.ParseOrDefault(job.RetryDelays).DelayAfter(run.Tries, Random.Shared.NextDouble());
        return ending with { Status = RunStatus.Retrying, RunAt = ending.FinishedAt + delay };
    }

    private static RunEnding Delay(RunEnding ending, TimeSpan? retryAfter)
    {
        if (ending.Status != RunStatus.Retrying || retryAfter is not { } wait) return ending;
        var earliest = ending.FinishedAt + (wait < LongestRetryAfter ? wait : LongestRetryAfter);
        return earliest > ending.RunAt ? ending with { RunAt = earliest } : ending;
    }

    private RunEnding End(ClaimedRun run, RunStatus status, DateTimeOffset startedAt) =>
        new() { Run = run, Status = status, StartedAt = startedAt, FinishedAt = clock.GetUtcNow() };

    private string Error(string type, string message, int attempt, string? stack = null) =>
        JsonSerializer.Serialize(new
        {
            type,
            message = Clean(message, LongestMessage),
            attempt,
            stack = stack is null ? null : Clean(stack, LongestStack),
        }, PlatformJson.Options);

    private string Write(JsonElement output)
    {
        var text = redactor.RedactJson(output.GetRawText());
        return text.Length <= LongestOutput ? text
            : JsonSerializer.Serialize(new { truncated = true, length = text.Length, limit = LongestOutput }, PlatformJson.Options);
    }

    private string Clean(string text, int limit) => StorableText.Clean(redactor.Redact(text), limit);

    [LoggerMessage(1003, LogLevel.Warning, "Run {RunId} of {Job} has failed for good at attempt {Attempt}: {Error}")]
    private partial void LogFailed(string job, Guid runId, int attempt, string error);

    [LoggerMessage(1001, LogLevel.Error, "The handler of {Job} ignores its cancellation token; run {RunId} was given up, its place stays taken")]
    private partial void LogLeftBehind(string job, Guid runId);

    [LoggerMessage(1002, LogLevel.Warning, "A database did not answer before the handler of run {RunId} began; the run is given back")]
    private partial void LogGivenBack(Exception exception, Guid runId);
}
