using Hangfire.Client;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// Hangfire's recurring scheduler rings: the due times up to now become runs, and the job that it is making carries the
/// first of them. Where none is due (another node was faster, or only Hangfire's reading of the expression has one) no job
/// is made. A crash in between leaves a run that nobody carries, which is found and handed over.
/// </summary>
internal sealed class DueTimeFilter(DueRuns due, PlatformDatabase database) : IClientFilter
{
    public void OnCreating(CreatingContext context)
    {
        if (!RecurringIds.IsOurs(context, out var jobName)) return;
        // Hangfire's filters are synchronous and run on threads of its own.
        if (due.FireOneAsync(jobName, CancellationToken.None).GetAwaiter().GetResult() is not { } first)
        {
            context.Canceled = true;
            return;
        }
        context.SetJobParameter(CarriedRun.RunParameter, first.RunId);
        context.SetJobParameter(CarriedRun.LaneParameter, Lanes.NameOf(first.Queue, first.Priority));
    }

    public void OnCreated(CreatedContext context)
    {
        if (!RecurringIds.IsOurs(context, out _) || !context.Parameters.TryGetValue(CarriedRun.RunParameter, out var run)) return;
        using var command = database.Source.CreateCommand("UPDATE jobplatform.job_runs SET engine_ref = $2 WHERE id = $1 AND engine_ref = ''");
        command.Parameters.Add(new() { Value = (Guid)run });
        command.Parameters.Add(new() { Value = (object?)context.BackgroundJob?.Id ?? DBNull.Value });
        command.ExecuteNonQuery();
    }
}

/// <summary>"Trigger now" in Hangfire's dashboard: a run on demand, which comes to Hangfire the way all runs do.</summary>
internal sealed class ManualTriggerFilter(IServiceProvider services) : IClientFilter
{
    public void OnCreating(CreatingContext context)
    {
        if (!RecurringIds.IsOurs(context, out var jobName)) return;
        context.Canceled = true;
        services.GetRequiredService<RunEnqueuer>().EnqueueAsync(new RunRequest
        {
            JobName = jobName, Trigger = RunTrigger.Manual, TriggeredBy = Actor.HangfireDashboard.Name,
        }).GetAwaiter().GetResult();
    }

    public void OnCreated(CreatedContext context)
    {
        // Nothing was made.
    }
}
