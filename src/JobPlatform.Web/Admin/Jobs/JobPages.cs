using JobPlatform.Core.Handlers;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Admin.Jobs;

/// <summary>Shows a job's page: when it is asked for, and when a payload that was typed on it does not fit. Thread-safe.</summary>
internal sealed class JobPages(JobStore jobs, JobList list, JobInspector inspector, RunHistory history, RunStore runs, HandlerCatalog handlers)
{
    private const int Charted = 60;
    private const int ShownRuns = 10;

    /// <param name="name">The job.</param>
    /// <param name="typed">The payload that was typed; null for none.</param>
    /// <param name="faults">What is wrong with it.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<IResult> ShowAsync(string name, string? typed, IReadOnlyList<ConfigFault> faults, CancellationToken cancellation)
    {
        if (!JobDefinition.IsName(name) || await jobs.FindAsync(name, cancellation) is not { } job || await list.FindAsync(name, cancellation) is not { } overview)
            return await JobRoutes.NotFoundAsync(name, jobs, cancellation);
        return AdminPage.Show<JobPage>(new
        {
            Job = job,
            Overview = overview,
            Explanation = JobExplanation.Of(await inspector.InspectAsync(job, cancellation)),
            Marks = (await history.ReadAsync([name], Charted, cancellation))[name].ToList(),
            Runs = await runs.ListAsync(new() { Job = name }, null, ShownRuns, cancellation),
            Handler = handlers.Find(job.Handler),
            Typed = typed,
            Faults = faults,
        }, faults.Count > 0 ? StatusCodes.Status422UnprocessableEntity : StatusCodes.Status200OK);
    }
}
