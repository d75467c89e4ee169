using System.Text.Json;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Logging;

namespace JobPlatform.Core.Handlers;

/// <summary>What a handler is told of the run that it executes, and what it can say while it works. Thread-safe.</summary>
public sealed class RunContext
{
    private readonly ClaimedRun _run;
    private readonly RunJournal _journal;
    private int _lines;

    internal RunContext(ClaimedRun run, Job job, RunJournal journal, TimeProvider clock)
    {
        _run = run;
        _journal = journal;
        JobName = job.Name;
        Clock = clock;
        Logger = new RunLogger(this);
    }

    /// <summary>The run's key.</summary>
    public Guid RunId => _run.Id;

    /// <summary>The job's name.</summary>
    public string JobName { get; }

    /// <summary>The job's key.</summary>
    internal long JobId => _run.JobId;

    /// <summary>True when whoever asked for this run put <c>"confirm": true</c> into its payload.</summary>
    internal bool IsConfirmed =>
        _run.ParsePayload() is { ValueKind: JsonValueKind.Object } payload && payload.TryGetProperty("confirm", out var confirm) && confirm.ValueKind == JsonValueKind.True;

    /// <summary>Why the run exists.</summary>
    public RunTrigger Trigger => _run.Trigger;

    /// <summary>The due time that a cron run stands for.</summary>
    public DateTimeOffset? ScheduledFor => _run.ScheduledFor;

    /// <summary>The number of this attempt; the first is 1.</summary>
    public int Attempt => _run.Attempt;

    /// <summary>Grows with each claim of the run.</summary>
    public long Fence => _run.Fence;

    /// <summary>The clock to use; tests turn it.</summary>
    public TimeProvider Clock { get; }

    /// <summary>Lines for <c>job_run_logs</c>: at most 10,000 of 8 KiB a run, seen within a second.</summary>
    public ILogger Logger { get; }

    /// <summary>True once something was logged or reported.</summary>
    internal bool HasSpoken { get; private set; }

    /// <summary>The same in every attempt of this run: for receivers that drop repeats.</summary>
    /// <param name="step">Tells the effects of one run apart.</param>
    public string IdempotencyKey(string step) => $"{RunId:N}-{step}";

    /// <summary>Says how far the work is; written at most twice a second.</summary>
    /// <param name="done">Units that are done.</param>
    /// <param name="total">Units in all, null while unknown.</param>
    /// <param name="note">What is being done.</param>
    public void ReportProgress(long done, long? total = null, string? note = null)
    {
        HasSpoken = true;
        _journal.Report(_run, JsonSerializer.Serialize(new { done, total, note }, PlatformJson.Options));
    }

    private sealed class RunLogger(RunContext context) : ILogger
    {
        private const int MostLines = 10_000;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Debug and < LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            var line = Interlocked.Increment(ref context._lines);
            if (line > MostLines) return;
            context.HasSpoken = true;
            var message = line == MostLines ? "More lines were written; they are not kept." : formatter(state, exception);
            if (exception is not null) message = $"{message}\n{exception}";
            context._journal.Write(context._run, context.Clock.GetUtcNow(), logLevel, message);
        }
    }
}
