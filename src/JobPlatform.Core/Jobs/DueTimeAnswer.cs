using System.Text.Json;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Jobs;

/// <summary>What became of a due time. Immutable.</summary>
public sealed record DueTimeAnswer
{
    /// <summary>The due time.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>The run that stands for it; null when there is none.</summary>
    public Guid? RunId { get; init; }

    /// <summary>That run's state; null when there is none.</summary>
    public RunStatus? Status { get; init; }

    /// <summary>In words: how the run ended, or why there is none.</summary>
    public required string Explanation { get; init; }

    /// <summary>Finds the answer in the facts.</summary>
    internal static DueTimeAnswer Find(JobFacts facts, DateTimeOffset dueAt)
    {
        var run = facts.CronRuns.Where(run => run.ScheduledFor >= dueAt).MinBy(run => run.ScheduledFor);
        if (run is null || (run.ScheduledFor > dueAt && !(ReadStretch(run) is { } stretch && stretch.First <= dueAt)))
            return new() { DueAt = dueAt, Explanation = ExplainAbsence(facts, dueAt) };
        return new() { DueAt = dueAt, RunId = run.Id, Status = run.Status, Explanation = Explain(run, facts) };
    }

    /// <summary>How a run ended or what it waits for, to stand behind the name of the run or its due time.</summary>
    internal static string Explain(RunDetails run, JobFacts facts) => run.Status switch
    {
        RunStatus.Success => $"success in {TimeText.Duration(run.DurationMs ?? 0)}{Lateness(run)}",
        RunStatus.Failed => $"failed in attempt {run.Attempt}{Lateness(run)}: {RunWords.Message(run.Error)}",
        RunStatus.Canceled => $"canceled: {RunWords.Message(run.Error)}",
        RunStatus.Running => $"running since {TimeText.AtAndAge(run.StartedAt ?? run.RunAt, facts.Now)}",
        RunStatus.Retrying => $"attempt {run.Attempt} failed, the next one starts at {TimeText.AtAndAge(run.RunAt, facts.Now)}: {RunWords.Message(run.Error)}",
        RunStatus.Queued => $"waits {(run.RunAt > facts.Now ? "until" : "since")} {TimeText.AtAndAge(run.RunAt, facts.Now)}",
        _ => ExplainSkipped(run),
    };

    private static string ExplainSkipped(RunDetails run) => run.SkipReason switch
    {
        "misfire" when ReadStretch(run) is { Count: > 1 } stretch =>
            $"skipped by the misfire policy: one of {(stretch.IsMore ? "more than " : "")}{stretch.Count} due times from {TimeText.At(stretch.First)} to {TimeText.At(run.ScheduledFor!.Value)} UTC that passed while no worker could start them",
        "misfire" => "skipped by the misfire policy: it passed while no worker could start it",
        "overlap" when run.Output is not null => $"skipped by its handler, as the same work was being done elsewhere: {RunWords.Message(run.Output)}",
        "overlap" => "skipped by the overlap policy: as many runs as max_concurrency allows were running",
        "safety_stop" => $"stopped by its handler before it did harm: {RunWords.Message(run.Output)}",
        var other => $"skipped: {other}",
    };

    // A minute is more than a scheduler needs that is alive.
    private static string Lateness(RunDetails run) =>
        run.CreatedAt - run.ScheduledFor is { TotalMinutes: >= 1 } late ? $", {TimeText.Coarse(late)} late" : "";

    private static string ExplainAbsence(JobFacts facts, DateTimeOffset dueAt)
    {
        var job = facts.Job;
        var change = facts.Versions.FirstOrDefault(version => version.ChangedAt <= dueAt);
        if (change is { IsEnabled: false })
        {
            var disabling = facts.Versions.SkipWhile(version => version != change).TakeWhile(version => !version.IsEnabled).Last();
            return $"no run: the job was disabled then (version {disabling.Version} at {TimeText.At(disabling.ChangedAt)} UTC by {disabling.ChangedBy})";
        }
        if (change is not null && (change.CronExpression, change.TimeZone) != (job.CronExpression, job.TimeZone))
        {
            var next = facts.Versions.LastOrDefault(version => version.Version > change.Version
                && (version.CronExpression, version.TimeZone) != (change.CronExpression, change.TimeZone));
            var before = change.CronExpression is null ? "it had no cron expression" : $"its cron expression was {change.CronExpression} {change.TimeZone}";
            return $"no run: {before} then{(next is null ? "" : $" (changed with version {next.Version} at {TimeText.At(next.ChangedAt)} UTC by {next.ChangedBy})")}";
        }
        if (facts.Schedule is null) return "no run: the engine has no schedule for the job";
        if (facts.Schedule.NextDueAt <= dueAt)
            return facts.Schedule.State switch
            {
                ScheduleState.Active when facts.Workers.Count == 0 => $"overdue since {TimeText.AtAndAge(dueAt, facts.Now)}: no worker is alive",
                ScheduleState.Active => $"overdue since {TimeText.AtAndAge(dueAt, facts.Now)}",
                var state => $"no run: the schedule is {state.ToString().ToLowerInvariant()}",
            };
        return facts.OldestDueTime is { } oldest && dueAt < oldest
            ? "no run is kept: it was purged, or the job was not scheduled yet"
            : "no run: no server had the job scheduled then, or the row was deleted";
    }

    /// <summary>The due times that a skipped row stands for; the last one is its own.</summary>
    private static (int Count, bool IsMore, DateTimeOffset First)? ReadStretch(RunDetails run) =>
        run is { SkipReason: "misfire", Output: { ValueKind: JsonValueKind.Object } output }
        && output.TryGetProperty("first", out var first) && first.ValueKind == JsonValueKind.String && first.TryGetDateTimeOffset(out var at)
        && output.TryGetProperty("due_times", out var times) && times.ValueKind == JsonValueKind.Number && times.TryGetInt32(out var count)
            ? (count, output.TryGetProperty("more", out var more) && more.ValueKind == JsonValueKind.True, at)
            : null;
}
