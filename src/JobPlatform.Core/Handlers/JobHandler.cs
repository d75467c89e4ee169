using System.Text.Json;

namespace JobPlatform.Core.Handlers;

/// <summary>
/// What a handler is, stated on its class. The class must be a <see cref="JobHandler{TConfig}"/>; being in a
/// registered assembly is all it takes to be found.
/// </summary>
/// <param name="key">The stable name in <c>jobs.handler</c>, such as <c>cleanup-sessions</c>. Never renamed.</param>
/// <param name="description">One sentence: what it does.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class JobHandlerAttribute(string key, string description) : Attribute
{
    /// <summary>The stable name in <c>jobs.handler</c>.</summary>
    public string Key { get; } = key;

    /// <summary>One sentence: what it does.</summary>
    public string Description { get; } = description;

    /// <summary>The cron expression (UTC) that its job is seeded with; null for jobs that only events or people start.</summary>
    public string? Cron { get; init; }

    /// <summary>
    /// The setting that must have a value for the handler to be there: <c>NAME=value</c> or <c>NAME=one|other</c>,
    /// case-insensitive. Null means always.
    /// </summary>
    public string? Gate { get; init; }

    /// <summary>Tables of the application's database (<c>schema.table</c>) without which it cannot run.</summary>
    public string[] Tables { get; init; } = [];

    /// <summary>A setting with which it needs none of <see cref="Tables"/>, such as <c>REDIS_URL</c>; null for none.</summary>
    public string? TablesUnless { get; init; }

    /// <summary>Settings without which it cannot run, such as <c>STRIPE_SECRET_KEY</c>: its job is made disabled until they are there.</summary>
    public string[] Settings { get; init; } = [];

    /// <summary>False for fixtures, whose job an admin makes by hand.</summary>
    public bool IsSeeded { get; init; } = true;

    /// <summary>True when it deletes or drops; such a handler takes <c>"dry_run": true</c>.</summary>
    public bool IsDestructive { get; init; }

    /// <summary>Seconds that the seeded job gives a run. Default 300.</summary>
    public int TimeoutSeconds { get; init; } = 300;

    /// <summary>Seconds before each further attempt, such as <c>30,60,120</c>, which makes four at most; null for the defaults of jobs.</summary>
    public string? RetryDelays { get; init; }

    /// <summary>How many runs of the seeded job may run at once. Default 1.</summary>
    public int MaxConcurrency { get; init; } = 1;
}

/// <summary>The form in which the executor sees every handler; write a <see cref="JobHandler{TConfig}"/> instead.</summary>
public interface IJobHandler
{
    /// <summary>The config record's type.</summary>
    Type ConfigType { get; }

    /// <summary>Runs once with a config that <see cref="ConfigReader"/> has read and validated.</summary>
    Task<RunOutcome> RunAsync(object config, RunContext run, CancellationToken cancellation);
}

/// <summary>
/// A code handler. One instance a run, made by dependency injection; it may run twice for the same run (a worker can
/// die between the effect and its record), so its effect must be the same both times.
/// </summary>
/// <typeparam name="TConfig">
/// A record whose properties are the config's fields: their initial values are the defaults, their data annotations
/// the validation, and both make the JSON Schema that forms and callers see.
/// </typeparam>
public abstract class JobHandler<TConfig> : IJobHandler where TConfig : class, new()
{
    Type IJobHandler.ConfigType => typeof(TConfig);

    Task<RunOutcome> IJobHandler.RunAsync(object config, RunContext run, CancellationToken cancellation) =>
        RunAsync((TConfig)config, run, cancellation);

    /// <summary>
    /// Does the work of one run. It must not block its thread: time-out, cancellation and abandoning begin when it first
    /// awaits (starting each on another thread would cost every short run a hop). Put blocking calls into
    /// <see cref="Task.Run(Action, CancellationToken)"/>.
    /// </summary>
    /// <param name="config">The job's config, overridden by the run's payload, validated.</param>
    /// <param name="run">What runs, its log and its progress.</param>
    /// <param name="cancellation">Ends on time-out, cancellation and shut-down. A handler that ignores it for 30 s is abandoned.</param>
    /// <returns>The outcome. An exception counts as <see cref="RunOutcome.Fail"/>.</returns>
    public abstract Task<RunOutcome> RunAsync(TConfig config, RunContext run, CancellationToken cancellation);
}

/// <summary>The config of a handler that takes none.</summary>
public sealed record NoConfig;

/// <summary>What came out of one attempt, as a value. Immutable.</summary>
public abstract record RunOutcome
{
    private RunOutcome() { }

    /// <summary>It worked. <paramref name="output"/> becomes JSON in snake_case; one of more than
    /// 256 Ki characters is replaced by a note of its length.</summary>
    public static RunOutcome Success(object? output = null) =>
        output is null ? Empty : new Succeeded(ToElement(output));

    /// <summary>It did not work; the job's retry policy decides whether it is tried again.</summary>
    /// <param name="message">Why, in a sentence.</param>
    /// <param name="retryAfter">The next attempt starts no sooner than that from now, at most a day; null for when the
    /// policy says.</param>
    /// <param name="output">As for <see cref="Success"/>.</param>
    public static RunOutcome Fail(string message, TimeSpan? retryAfter = null, object? output = null) =>
        new Failed(message, ForGood: false, retryAfter, ToElement(output));

    /// <summary>It did not work and never will, whatever the retry policy says.</summary>
    public static RunOutcome FailForGood(string message, object? output = null) => new Failed(message, ForGood: true, null, ToElement(output));

    /// <summary>Not now: the run waits until then and starts afresh; no attempt is counted.</summary>
    public static RunOutcome SnoozeUntil(DateTimeOffset until) => new Snoozed(until);

    /// <summary>It stopped on purpose before doing harm; the run ends as <c>skipped</c> with reason <c>safety_stop</c>.</summary>
    public static RunOutcome StopForSafety(object output) =>
        new SafetyStopped(JsonSerializer.SerializeToElement(output, output.GetType(), PlatformJson.Options));

    /// <summary>Another one of its kind does the same work now; the run ends as <c>skipped</c> with reason <c>overlap</c>.</summary>
    public static RunOutcome SkipAsOverlap(object output) =>
        new Overlapped(JsonSerializer.SerializeToElement(output, output.GetType(), PlatformJson.Options));

    private static readonly RunOutcome Empty = new Succeeded(null);

    private static JsonElement? ToElement(object? output) =>
        output is null ? null : JsonSerializer.SerializeToElement(output, output.GetType(), PlatformJson.Options);

    internal sealed record Succeeded(JsonElement? Output) : RunOutcome;

    internal sealed record Failed(string Message, bool ForGood, TimeSpan? RetryAfter, JsonElement? Output) : RunOutcome;

    internal sealed record Snoozed(DateTimeOffset Until) : RunOutcome;

    internal sealed record SafetyStopped(JsonElement Output) : RunOutcome;

    internal sealed record Overlapped(JsonElement Output) : RunOutcome;
}
