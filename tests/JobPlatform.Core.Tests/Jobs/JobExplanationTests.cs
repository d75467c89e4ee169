using System.Text.Json;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;

namespace JobPlatform.Core.Tests.Jobs;

public sealed class JobExplanationTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Due = new(2026, 3, 2, 2, 0, 0, TimeSpan.Zero);
    private static readonly Guid Id = Guid.Parse("019cad12-0000-7000-8000-000000000001");

    /// <summary>A job that is due at 02:00, was so today, ran, and finds everything that it needs.</summary>
    private static readonly JobFacts Well = new()
    {
        Job = new Job { Name = "nightly", Handler = "x", CronExpression = "0 2 * * *" },
        Now = Now,
        Schedule = new EngineSchedule { JobName = "nightly", CronExpression = "0 2 * * *", TimeZone = "UTC", NextDueAt = Due.AddDays(1) },
        Workers = [new("w", 16)],
        Versions = [Version(1, Due.AddDays(-20))],
        LastDueTimes = [Due, Due.AddDays(-1)],
        CronRuns = [CronRun(Due), CronRun(Due.AddDays(-1))],
        OldestDueTime = Due.AddDays(-1),
    };

    [Test]
    public void A_job_that_runs_well_is_told_by_its_last_and_next_due_time()
    {
        var explanation = JobExplanation.Of(Well);

        Assert.Multiple(() =>
        {
            Assert.That(explanation.Answer, Is.EqualTo("The job 'nightly' was last due at 2026-03-02 02:00:00 UTC (10 h ago): success in 1.2 s; it is due next at 2026-03-03 02:00:00 UTC (in 14 h)."));
            Assert.That(explanation.Details, Is.Empty);
            Assert.That(explanation.NextDueTimes, Is.EqualTo(new[] { Due.AddDays(1), Due.AddDays(2), Due.AddDays(3) }));
            Assert.That(explanation.LastDueTimes.Select(due => due.Status), Is.EqualTo(new[] { RunStatus.Success, RunStatus.Success }));
        });
    }

    [Test]
    public void A_disabled_job_is_told_first_since_when_and_by_whom_and_is_due_no_more()
    {
        var explanation = JobExplanation.Of(Well with
        {
            Job = Well.Job with { IsEnabled = false },
            Faults = ["It lacks a table."],
            Versions = [Version(4, Now.AddHours(-1), false), Version(3, Now.AddHours(-3), false, by: "ann"), Version(2, Now.AddDays(-3))],
        });

        Assert.Multiple(() =>
        {
            Assert.That(explanation.Answer, Does.StartWith("The job 'nightly' is disabled since 2026-03-02 09:00:00 UTC (3 h ago), by ann (version 3)"));
            Assert.That(explanation.Details, Is.EqualTo((string[])["It lacks a table."]));
            Assert.That(explanation.NextDueTimes, Is.Empty);
        });
    }

    [Test]
    public void A_due_time_without_a_worker_is_overdue()
    {
        var explanation = JobExplanation.Of(Well with
        {
            Workers = [], EngineFault = "No worker is alive.", CronRuns = [CronRun(Due.AddDays(-1))],
            Schedule = Well.Schedule! with { NextDueAt = Due },
        });

        Assert.Multiple(() =>
        {
            Assert.That(explanation.Answer, Is.EqualTo("The job 'nightly' is overdue since 2026-03-02 02:00:00 UTC (10 h ago): no worker is alive to start it."));
            Assert.That(explanation.Details, Is.EqualTo((string[])["No worker is alive."]));
            Assert.That(explanation.LastDueTimes[0].Explanation, Is.EqualTo("overdue since 2026-03-02 02:00:00 UTC (10 h ago): no worker is alive"));
            Assert.That(explanation.LastDueTimes[0].Status, Is.Null);
        });
    }

    [Test]
    public void Runs_that_wait_for_one_that_runs_name_it_and_the_limit()
    {
        var explanation = JobExplanation.Of(Well with
        {
            Job = Well.Job with { Overlap = OverlapPolicy.Queue },
            Running = [Run(RunStatus.Running) with { Worker = "w", StartedAt = Now.AddHours(-2), Progress = JsonElement.Parse("""{"done":5,"total":20}""") }],
            Waiting = [Waits(-60), Waits(-30), Waits(0)],
        });

        Assert.Multiple(() =>
        {
            Assert.That(explanation.Answer, Is.EqualTo($"The job 'nightly' is running since 2026-03-02 10:00:00 UTC (2 h ago): run {Id}, attempt 1, on w, 5 of 20 (25 %)."));
            Assert.That(explanation.Details, Is.EqualTo((string[])
            [
                $"3 runs wait since 2026-03-02 11:59:00 UTC (1 min ago): overlap_policy queue, max_concurrency 1, and run {Id} has been running for 2 h.",
            ]));
        });
    }

    [Test]
    public void Runs_that_wait_while_nothing_runs_say_what_they_lack()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Answer(Well with { Waiting = [Waits(-60)], RunningEverywhere = 16 }),
                Is.EqualTo("1 run waits since 2026-03-02 11:59:00 UTC (1 min ago): all 16 places of the living worker are taken, by runs of all jobs."));
            Assert.That(Answer(Well with { Waiting = [Waits(-60)], Job = Well.Job with { Queue = "mail" } }), Does.Contain("none of them may serve the queue 'mail'"));
            Assert.That(Answer(Well with { Waiting = [Waits(-1)] }), Does.EndWith("a worker starts it any moment."));
            Assert.That(Answer(Well with { Waiting = [Waits(-1)], Workers = [] }), Does.EndWith("no worker is alive."));
            Assert.That(Answer(Well with { Waiting = [Waits(60), Waits(90)] }), Is.EqualTo("2 runs wait for their time, the first at 2026-03-02 12:01:00 UTC (in 1 min)."));
        });
    }

    [Test]
    public void A_retry_tells_its_time_and_the_last_error_and_failures_in_a_row_are_counted()
    {
        var failed = Run(RunStatus.Failed) with { FinishedAt = Now.AddHours(-1), Error = Error("out of\n  disk") };
        var explanation = JobExplanation.Of(Well with
        {
            Waiting = [Run(RunStatus.Retrying) with { RunAt = Now.AddSeconds(30), Error = Error("connection refused") }],
            ConsecutiveFailures = 3, LastFailure = failed,
        });

        Assert.Multiple(() =>
        {
            Assert.That(explanation.Answer, Is.EqualTo($"The run {Id} failed in attempt 1 of 3 and is tried again at 2026-03-02 12:00:30 UTC (in 30 s): connection refused"));
            Assert.That(explanation.Details, Is.EqualTo((string[])["3 runs failed in a row, last at 2026-03-02 11:00:00 UTC (1 h ago): out of disk"]));
        });
    }

    [Test]
    public void A_run_whose_worker_is_dead_is_not_told_as_running()
    {
        var answer = Answer(Well with { Running = [Run(RunStatus.Running) with { Worker = "gone", StartedAt = Now.AddMinutes(-5) }] });

        Assert.That(answer, Does.Contain("its worker gone is dead").And.EndWith("takes it over within seconds."));
    }

    [TestCase(ScheduleState.Paused, "0 2 * * *", "The schedule of the job 'nightly' is paused")]
    [TestCase(ScheduleState.Unscheduled, "0 2 * * *", "The schedule of the job 'nightly' is unscheduled")]
    [TestCase(ScheduleState.Active, "0 3 * * *", "The engine's schedule (0 3 * * * UTC, misfire one) is not yet what")]
    public void A_schedule_that_is_not_what_the_row_asks_for_is_told(ScheduleState state, string cron, string beginning)
    {
        Assert.That(Answer(Well with { Schedule = Well.Schedule! with { State = state, CronExpression = cron } }), Does.StartWith(beginning));
        Assert.That(Answer(Well with { Schedule = null }), Does.StartWith("The engine has no schedule for the job 'nightly' yet"));
        Assert.That(Answer(Well with { Schedule = Well.Schedule! with { NextDueAt = null } }), Does.Contain("has no next due time"));
    }

    [Test]
    public void Due_times_that_were_skipped_together_are_told_by_the_row_that_stands_for_them()
    {
        var skipped = CronRun(Due.AddDays(-1)) with
        {
            Status = RunStatus.Skipped, SkipReason = "misfire",
            Output = JsonElement.Parse("""{"due_times":3,"more":false,"first":"2026-02-27T02:00:00+00:00"}"""),
        };
        var explanation = JobExplanation.Of(Well with
        {
            LastDueTimes = [Due, Due.AddDays(-1), Due.AddDays(-2), Due.AddDays(-3), Due.AddDays(-4)],
            CronRuns = [CronRun(Due) with { CreatedAt = Due.AddHours(3) }, skipped],
        });

        Assert.Multiple(() =>
        {
            Assert.That(explanation.LastDueTimes[0].Explanation, Is.EqualTo("success in 1.2 s, 3 h late"));
            Assert.That(explanation.LastDueTimes.Skip(1).Take(3).Select(due => due.Status), Is.All.EqualTo(RunStatus.Skipped));
            Assert.That(explanation.LastDueTimes[3].Explanation, Is.EqualTo(
                "skipped by the misfire policy: one of 3 due times from 2026-02-27 02:00:00 to 2026-03-01 02:00:00 UTC that passed while no worker could start them"));
            Assert.That(explanation.LastDueTimes[4].Status, Is.Null, "one day before the stretch");
        });
    }

    [Test]
    public void A_due_time_without_a_row_is_explained_by_the_version_that_was_in_force()
    {
        var explanation = JobExplanation.Of(Well with
        {
            LastDueTimes = [.. Enumerable.Range(0, 5).Select(days => Due.AddDays(-days))],
            CronRuns = [CronRun(Due)],
            OldestDueTime = Due.AddDays(-3.5),
            Versions =
            [
                Version(5, Due.AddDays(-0.5)),
                Version(4, Due.AddDays(-1.2), false, by: "bob"), Version(3, Due.AddDays(-1.5), false, by: "ann"),
                Version(2, Due.AddDays(-2.5)) with { CronExpression = "0 5 * * *" },
                Version(1, Due.AddDays(-20)),
            ],
        });

        Assert.That(explanation.LastDueTimes.Skip(1).Select(due => due.Explanation), Is.EqualTo((string[])
        [
            "no run: the job was disabled then (version 3 at 2026-02-28 14:00:00 UTC by ann)",
            "no run: its cron expression was 0 5 * * * UTC then (changed with version 3 at 2026-02-28 14:00:00 UTC by ann)",
            "no run: no server had the job scheduled then, or the row was deleted",
            "no run is kept: it was purged, or the job was not scheduled yet",
        ]));
    }

    [TestCase("overlap", null, "skipped by the overlap policy: as many runs as max_concurrency allows were running")]
    [TestCase("overlap", """{"holder":"a"}""", """skipped by its handler, as the same work was being done elsewhere: {"holder":"a"}""")]
    [TestCase("safety_stop", """{"gone":7}""", """stopped by its handler before it did harm: {"gone":7}""")]
    [TestCase("misfire", null, "skipped by the misfire policy: it passed while no worker could start it")]
    public void A_skipped_run_gives_its_reason_in_words(string reason, string? output, string words)
    {
        var run = CronRun(Due) with { Status = RunStatus.Skipped, SkipReason = reason, Output = output is null ? null : JsonElement.Parse(output) };

        Assert.That(JobExplanation.Of(Well with { CronRuns = [run] }).LastDueTimes[0].Explanation, Is.EqualTo(words));
    }

    [Test]
    public void A_job_without_a_cron_expression_is_told_by_its_last_run()
    {
        var onDemand = Well with { Job = Well.Job with { CronExpression = null }, Schedule = null, LastDueTimes = [] };

        Assert.That(Answer(onDemand), Is.EqualTo("The job 'nightly' runs only when it is asked to, as it has no cron expression; no run has ended yet."));
        Assert.That(Answer(onDemand with { LastRun = Run(RunStatus.Canceled) with { FinishedAt = Now.AddMinutes(-2), Error = Error("by ann") } }),
            Does.EndWith("the last run ended at 2026-03-02 11:58:00 UTC (2 min ago): canceled: by ann."));
    }

    private static string Answer(JobFacts facts) => JobExplanation.Of(facts).Answer;

    private static JobChange Version(int version, DateTimeOffset at, bool isEnabled = true, string by = "init") =>
        new() { Version = version, ChangedAt = at, ChangedBy = by, IsEnabled = isEnabled, CronExpression = "0 2 * * *", TimeZone = "UTC" };

    private static RunDetails Run(RunStatus status) => new() { Id = Id, Job = "nightly", Status = status, Attempt = 1, RunAt = Now, CreatedAt = Now };

    private static RunDetails Waits(int seconds) => Run(RunStatus.Queued) with { RunAt = Now.AddSeconds(seconds) };

    private static RunDetails CronRun(DateTimeOffset due) =>
        Run(RunStatus.Success) with { Trigger = RunTrigger.Cron, ScheduledFor = due, CreatedAt = due, DurationMs = 1200 };

    private static JsonElement Error(string message) => JsonSerializer.SerializeToElement(new { type = "failed", message });
}
