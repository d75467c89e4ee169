using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using Microsoft.AspNetCore.Http;

namespace JobPlatform.Web.Api;

/// <summary>Enqueues runs for routes that stand for a handler and not for a job: of the job that <see cref="JobStore.FindOfHandlerAsync"/> finds. Thread-safe.</summary>
internal sealed class HandlerRuns(JobStore jobs, RunEnqueuer enqueuer)
{
    /// <summary>The problems of such routes beside those of <see cref="RunAnswers"/>.</summary>
    public static IReadOnlyList<string> Problems { get; } = ["409 no-such-job", "409 job-disabled"];

    /// <summary>The answer; null where no job has the handler.</summary>
    public async Task<RunAnswer?> EnqueueAsync(string handler, RunRequest request, CancellationToken cancellation) =>
        await jobs.FindOfHandlerAsync(handler, cancellation) is { } job
            ? await enqueuer.EnqueueAsync(request with { JobName = job }, cancellation)
            : null;

    /// <summary>What a caller is told then.</summary>
    public static Problem NoJob(string handler) => new(StatusCodes.Status409Conflict, "no-such-job", "There is no job to run.",
        $"No job has the handler {handler}. 'jobplatform init' makes the jobs of all handlers whose gate is open.");
}
