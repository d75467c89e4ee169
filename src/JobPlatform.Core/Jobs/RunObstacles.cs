using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Jobs;

/// <summary>What runs, what keeps the job from running, and what its runs wait for; the most important first.</summary>
internal static class RunObstacles
{
    // Fewer say nothing that the first of them does not.
    private const int ShownRetries = 3;

    // A scheduler or worker that is alive needs a second at most.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static IEnumerable<string> Find(JobFacts facts)
    {
        var alive = facts.Workers.Select(worker => worker.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var run in facts.Running.Where(run => alive.Contains(run.Worker!))) yield return DescribeRunning(run, facts);
        if (!facts.Job.IsEnabled) yield return DescribeDisabled(facts);
        foreach (var fault in facts.Faults) yield return fault;
        if (facts.Job.IsEnabled && facts.Schedule is { State: ScheduleState.Active, NextDueAt: { } due } && facts.Now - due > Patience)
            yield return $"The job '{facts.Job.Name}' is overdue since {TimeText.AtAndAge(due, facts.Now)}: "
                + (alive.Count == 0 ? "no worker is alive to start it." : "a worker is alive but has not started it, and its log says why.");
        if (facts.EngineFault is not null) yield return facts.EngineFault;
        foreach (var sentence in FindInSchedule(facts)) yield return sentence;
        foreach (var run in facts.Running.Where(run => !alive.Contains(run.Worker!)))
            yield return $"The run {run.Id} counts as running since {TimeText.AtAndAge(run.StartedAt!.Value, facts.Now)}, but its worker {run.Worker} is dead: "
                + (alive.Count > 0 ? "another one takes it over within seconds." : "it goes on when a worker is alive.");
        foreach (var sentence in FindInWaiting(facts)) yield return sentence;
    }

    private static string DescribeRunning(RunDetails run, JobFacts facts)
    {
        var progress = RunWords.Progress(run.Progress);
        return $"The job '{facts.Job.Name}' is running since {TimeText.AtAndAge(run.StartedAt!.Value, facts.Now)}: run {run.Id}, "
            + $"attempt {run.Attempt}, on {run.Worker}{(progress.Length > 0 ? $", {progress}" : "")}.";
    }

    private static string DescribeDisabled(JobFacts facts)
    {
        var change = facts.Versions.TakeWhile(version => !version.IsEnabled).LastOrDefault();
        var since = change is null ? "" : $" since {TimeText.AtAndAge(change.ChangedAt, facts.Now)}, by {change.ChangedBy} (version {change.Version})";
        return $"The job '{facts.Job.Name}' is disabled{since}: it runs only when it is forced ('jobplatform jobs enable {facts.Job.Name}' enables it).";
    }

    private static IEnumerable<string> FindInSchedule(JobFacts facts)
    {
        var (job, schedule) = (facts.Job, facts.Schedule);
        if (job is not { IsEnabled: true, CronExpression: not null } || Schedules.ScheduleSync.FindFault(job) is not null) yield break;
        if (schedule is null)
            yield return $"The engine has no schedule for the job '{job.Name}' yet: a running server makes it within a minute.";
        else if (schedule.State != ScheduleState.Active)
            yield return $"The schedule of the job '{job.Name}' is {schedule.State.ToString().ToLowerInvariant()}, by an operator: any change of the job, such as disabling and enabling it, sets it going again.";
        else if ((schedule.CronExpression, schedule.TimeZone, schedule.Misfire) != (job.CronExpression, job.TimeZone, job.Misfire))
            yield return $"The engine's schedule ({schedule.CronExpression} {schedule.TimeZone}, misfire {schedule.Misfire.ToString().ToLowerInvariant()}) is not yet what the job '{job.Name}' asks for "
                + $"({job.CronExpression} {job.TimeZone}, misfire {job.Misfire.ToString().ToLowerInvariant()}): a running server corrects it within a minute.";
        else if (schedule.NextDueAt is null)
            yield return $"The schedule of the job '{job.Name}' has no next due time: the engine has lost it, which a running server mends within a minute, or the server could not read it, and its log says why.";
    }

    private static IEnumerable<string> FindInWaiting(JobFacts facts)
    {
        var ready = facts.Waiting.Where(run => run.RunAt <= facts.Now).ToList();
        var later = facts.Waiting.Where(run => run.RunAt > facts.Now && run.Status == RunStatus.Queued).ToList();
        if (ready.Count > 0) yield return $"{Count(ready)} since {TimeText.AtAndAge(ready[0].RunAt, facts.Now)}: {WhatFor(ready[0], facts)}";
        foreach (var run in facts.Waiting.Where(run => run.Status == RunStatus.Retrying).Take(ShownRetries))
            yield return $"The run {run.Id} failed in attempt {run.Attempt} of {facts.Job.MaxAttempts} and is tried again "
                + $"{(run.RunAt > facts.Now ? $"at {TimeText.AtAndAge(run.RunAt, facts.Now)}" : "as soon as it can be")}: {RunWords.Message(run.Error)}";
        if (later.Count > 0) yield return $"{Count(later)} for {(later.Count == 1 ? "its" : "their")} time, {(later.Count == 1 ? "" : "the first ")}at {TimeText.AtAndAge(later[0].RunAt, facts.Now)}.";
    }

    private static string Count(List<RunDetails> runs) =>
        runs.Count == 1 ? "1 run waits" : $"{(runs.Count >= JobFacts.MostRuns ? $"{JobFacts.MostRuns} runs or more" : $"{runs.Count} runs")} wait";

    private static string WhatFor(RunDetails first, JobFacts facts)
    {
        var (job, workers) = (facts.Job, facts.Workers);
        if (job.Overlap != OverlapPolicy.Allow && facts.Running.Count >= job.MaxConcurrency)
            return $"overlap_policy {job.Overlap.ToString().ToLowerInvariant()}, max_concurrency {job.MaxConcurrency}, "
                + $"and run {facts.Running[0].Id} has been running for {TimeText.Coarse(facts.Now - facts.Running[0].StartedAt!.Value)}.";
        if (workers.Count == 0) return "no worker is alive.";
        var places = workers.Sum(worker => worker.Concurrency);
        if (facts.RunningEverywhere >= places)
            return $"all {places} places of the {(workers.Count == 1 ? "living worker" : $"{workers.Count} living workers")} are taken, by runs of all jobs.";
        return facts.Now - first.RunAt <= Patience
            ? "a worker starts it any moment."
            : $"workers are alive and have free places, so none of them may serve the queue '{job.Queue}' (their setting WORKER_QUEUES).";
    }
}
