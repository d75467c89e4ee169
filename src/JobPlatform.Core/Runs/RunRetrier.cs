using System.Text.Json;
using JobPlatform.Core.Administration;

namespace JobPlatform.Core.Runs;

/// <summary>What became of a request to run an ended run again. Immutable.</summary>
public abstract record RetryAnswer
{
    private RetryAnswer() { }

    /// <summary>There is no such run.</summary>
    public sealed record Unknown : RetryAnswer;

    /// <summary>It has not ended.</summary>
    public sealed record Alive(string Message) : RetryAnswer;

    /// <summary>A new run was asked for, and this became of it.</summary>
    public sealed record Asked(RunAnswer Answer) : RetryAnswer;
}

/// <summary>Runs ended runs again, each as a new run that names the old. Thread-safe.</summary>
public sealed class RunRetrier(RunStore runs, RunEnqueuer enqueuer)
{
    /// <summary>Asks for a new run of the same job.</summary>
    /// <param name="id">The ended run.</param>
    /// <param name="payload">Its payload; null for that of the ended one.</param>
    /// <param name="force">Also when the job is disabled.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="cancellation">Ends the wait; the run may have been made.</param>
    public async Task<RetryAnswer> RetryAsync(Guid id, JsonElement? payload, bool force, Actor actor, CancellationToken cancellation = default)
    {
        if (await runs.FindAsync(id, cancellation) is not { } run) return new RetryAnswer.Unknown();
        if (!run.Status.IsEnd())
            return new RetryAnswer.Alive($"The run {id} is {run.Status.ToWord()}: only an ended run can be retried. Cancel it first, or wait for its end.");
        return new RetryAnswer.Asked(await enqueuer.EnqueueAsync(new()
        {
            JobName = run.Job,
            Trigger = RunTrigger.Retry,
            Actor = actor,
            TriggeredBy = actor.Name,
            Payload = payload ?? run.Payload,
            RetryOf = id,
            Force = force,
        }, cancellation));
    }
}
