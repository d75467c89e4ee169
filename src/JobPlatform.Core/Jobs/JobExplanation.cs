using JobPlatform.Core.Runs;
using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Jobs;

/// <summary>Why a job did or did not run, and when it will. Immutable.</summary>
public sealed record JobExplanation
{
    private const int NextTimes = 3;

    /// <summary>The job's name.</summary>
    public required string Job { get; init; }

    /// <summary>The answer in one sentence: what keeps it from running, else what it does or did last.</summary>
    public required string Answer { get; init; }

    /// <summary>What else matters, most important first, each a sentence.</summary>
    public required IReadOnlyList<string> Details { get; init; }

    /// <summary>Its runs that are running, oldest first; at most <see cref="JobFacts.MostRuns"/>.</summary>
    public required IReadOnlyList<RunDetails> Running { get; init; }

    /// <summary>Its runs that wait, by the time they start; at most <see cref="JobFacts.MostRuns"/>.</summary>
    public required IReadOnlyList<RunDetails> Waiting { get; init; }

    /// <summary>What became of its latest due times, newest first.</summary>
    public required IReadOnlyList<DueTimeAnswer> LastDueTimes { get; init; }

    /// <summary>Its next due times, in UTC; empty while nothing would fire them.</summary>
    public required IReadOnlyList<DateTimeOffset> NextDueTimes { get; init; }

    /// <summary>Puts the facts into words. Pure: the same facts give the same words.</summary>
    public static JobExplanation Of(JobFacts facts)
    {
        var last = facts.LastDueTimes.Select(due => DueTimeAnswer.Find(facts, due)).ToList();
        var next = FindNext(facts);
        List<string> sentences = [.. RunObstacles.Find(facts)];
        if (sentences.Count == 0) sentences.Add(Summarize(facts, last.FirstOrDefault(), next));
        if (facts.LastFailure is { } failure)
            sentences.Add($"{(facts.ConsecutiveFailures == 1 ? "The last run that ended failed" : $"{facts.ConsecutiveFailures} runs failed in a row")}, "
                + $"last at {TimeText.AtAndAge(failure.FinishedAt ?? failure.CreatedAt, facts.Now)}: {RunWords.Message(failure.Error)}");
        if (facts.Job.Queue != "default" && facts.Workers.Count > 0)
            sentences.Add($"Whether a living worker serves the queue '{facts.Job.Queue}' is not known: workers do not record their setting WORKER_QUEUES.");
        return new()
        {
            Job = facts.Job.Name,
            Answer = sentences[0],
            Details = sentences[1..],
            Running = facts.Running,
            Waiting = facts.Waiting,
            LastDueTimes = last,
            NextDueTimes = next,
        };
    }

    private static IReadOnlyList<DateTimeOffset> FindNext(JobFacts facts)
    {
        var job = facts.Job;
        var isStopped = !job.IsEnabled || facts.Schedule is { State: not Engine.ScheduleState.Active };
        if (isStopped || !CronExpression.TryParse(job.CronExpression, job.Name, out var cron, out _)
            || !TimeZones.TryFind(job.TimeZone, out var zone, out _)) return [];
        return cron.Following(facts.Now, zone, NextTimes);
    }

    private static string Summarize(JobFacts facts, DueTimeAnswer? last, IReadOnlyList<DateTimeOffset> next)
    {
        var (name, now) = (facts.Job.Name, facts.Now);
        if (facts.Job.CronExpression is null)
            return facts.LastRun is { } run
                ? $"The job '{name}' runs only when it is asked to, as it has no cron expression; the last run ended at {TimeText.AtAndAge(run.FinishedAt ?? run.CreatedAt, now)}: {DueTimeAnswer.Explain(run, facts)}."
                : $"The job '{name}' runs only when it is asked to, as it has no cron expression; no run has ended yet.";
        var whenNext = next.Count == 0 ? "it is never due again" : $"it is due next at {TimeText.AtAndAge(next[0], now)}";
        return last is null
            ? $"The job '{name}' has not been due lately; {whenNext}."
            : $"The job '{name}' was last due at {TimeText.AtAndAge(last.DueAt, now)}: {last.Explanation.TrimEnd('.')}; {whenNext}.";
    }
}
