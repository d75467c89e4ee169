using System.CommandLine;
using JobPlatform.Core.Jobs;

namespace JobPlatform.Server.Cli;

/// <summary><c>jobs explain</c>: why a job did or did not run, and when it will.</summary>
internal static class JobsExplain
{
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "The job's name." };
        var json = Options.Json();
        var command = new Command("explain", "Say why a job did or did not run, what became of its last due times, and when it runs next.") { name, json };
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(name)!, parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string name, bool asJson, CancellationToken cancellation)
    {
        await using var session = await Session.OpenAsync(cancellation);
        var jobs = session.Get<JobStore>();
        var job = await jobs.FindAsync(name, cancellation) ?? throw CliException.Refused(await jobs.DescribeUnknownAsync(name, cancellation));
        var explanation = JobExplanation.Of(await session.Get<JobInspector>().InspectAsync(job, cancellation));
        if (asJson) session.Output.Json(explanation);
        else Show(session.Output, job, explanation);
        return ExitCode.Well;
    }

    private static void Show(Output output, Job job, JobExplanation explanation)
    {
        output.Line(explanation.Answer);
        foreach (var detail in explanation.Details) output.Line($"- {detail}");
        if (job.CronExpression is null) return;
        output.Line("");
        output.Fields(
            ("due", JobsCommand.DescribeDue(job)),
            ("next due", string.Join('\n', explanation.NextDueTimes.Select(due => output.TimeAndAge(due)))));
        if (explanation.LastDueTimes.Count == 0) return;
        output.Line("");
        output.Table(["DUE (UTC)", "RUN", "WHAT CAME OF IT"], [.. Group(explanation.LastDueTimes).Select(group => new[]
        {
            Output.Time(group[0].DueAt),
            group[0].RunId is { } run ? RunText.Short(run) : "",
            group.Count == 1 ? group[0].Explanation : $"{group[0].Explanation} (also the {group.Count - 1} before)",
        })]);
    }

    // What kept a job from running yesterday mostly did the day before, too: said once.
    private static List<List<DueTimeAnswer>> Group(IReadOnlyList<DueTimeAnswer> answers)
    {
        var groups = new List<List<DueTimeAnswer>>();
        foreach (var answer in answers)
            if (groups.LastOrDefault() is { } group && (group[0].RunId, group[0].Explanation) == (answer.RunId, answer.Explanation)) group.Add(answer);
            else groups.Add([answer]);
        return groups;
    }
}
