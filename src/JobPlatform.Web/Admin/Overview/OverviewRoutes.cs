using JobPlatform.Core.Alerts;
using JobPlatform.Core.Jobs;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Statistics;
using JobPlatform.Web.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace JobPlatform.Web.Admin.Overview;

/// <summary><c>/admin</c>: what runs, what failed, what is next, what did not run.</summary>
internal static class OverviewRoutes
{
    private const int Rows = 8;

    // A scheduler or worker that is alive needs a second at most.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static void MapOverview(this IEndpointRouteBuilder admin) => admin.MapGet("", ShowAsync).RequireAccess(Access.Read);

    private static async Task<IResult> ShowAsync(StatisticsReader statistics, RunStore runs, JobList jobs, AlertReader alerts, TimeProvider clock, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow();
        var (scheduled, overdue) = (new JobFilter { IsEnabled = true, Sort = JobSort.NextDue }, now - Patience);
        return AdminPage.Show<OverviewPage>(new
        {
            Alerts = await alerts.ListAsync(openOnly: true, limit: Rows, cancellation: cancellation),
            Figures = await statistics.ReadAsync(cancellation),
            Running = await runs.ListAsync(new() { Status = RunStatus.Running }, null, Rows, cancellation),
            Failed = await runs.ListAsync(new() { Status = RunStatus.Failed, From = now.AddDays(-1) }, null, Rows, cancellation),
            Skipped = await runs.ListAsync(new() { Status = RunStatus.Skipped, From = now.AddDays(-1) }, null, Rows, cancellation),
            Overdue = (await jobs.ReadAsync(scheduled, null, Rows, cancellation)).Where(job => job.NextDueAt < overdue).ToList(),
            Next = (await jobs.ReadAsync(scheduled, new JobPlace("", overdue), Rows, cancellation)).Where(job => job.NextDueAt is not null).ToList(),
        });
    }
}
