using Dapper;
using JobPlatform.Core.Jobs;

namespace JobPlatform.Core.Runs;

/// <summary>Which runs. Immutable; two with the same values are equal.</summary>
public sealed record RunFilter
{
    /// <summary>Only of this job, by its name.</summary>
    public string? Job { get; init; }

    /// <summary>Only in this state.</summary>
    public RunStatus? Status { get; init; }

    /// <summary>Only those that exist for this reason.</summary>
    public RunTrigger? Trigger { get; init; }

    /// <summary>Only those made at this time or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Only those made before this time.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Only those that retry this run.</summary>
    public Guid? RetryOf { get; init; }

    /// <summary>The conditions, for <c>job_runs r</c>, joined by AND.</summary>
    internal string ToSql()
    {
        var conditions = new List<string> { "true" };
        if (Job is not null) conditions.Add($"r.job_id = {JobStore.IdSql}");
        // Written out, not parameters: the partial indexes are found only by a constant.
        if (Status is { } status) conditions.Add($"r.status = '{status.ToWord()}'");
        // Always true: with it the planner can put together the two partial indexes of what waits, which hold little.
        if (Status == RunStatus.Queued) conditions.Add("(r.limited OR NOT r.limited)");
        if (Trigger is { } trigger) conditions.Add($"r.trigger = '{trigger.ToString().ToLowerInvariant()}'");
        // Ids begin with the time that the run was made at: a span of time is a range of the primary key.
        if (From is not null) conditions.Add("r.id >= jobplatform.uuid_v7_floor(@from)");
        if (To is not null) conditions.Add("r.id < jobplatform.uuid_v7_floor(@to)");
        if (RetryOf is not null) conditions.Add("r.retry_of = @retryOf");
        return string.Join(" AND ", conditions);
    }

    /// <summary>
    /// The same in two parts: what an index answers for any table, and what each row that is left is looked at for; null for
    /// nothing of the second.
    /// </summary>
    internal (string Narrow, string? Check) ToParts()
    {
        var isRareStatus = Status is not (null or RunStatus.Success);
        // A status and a trigger have no index together: the status is the rarer.
        var isRareTrigger = Trigger is RunTrigger.Manual or RunTrigger.Retry && !isRareStatus && Job is null;
        var narrow = this with { Status = isRareStatus ? Status : null, Trigger = isRareTrigger ? Trigger : null };
        var check = new RunFilter { Status = isRareStatus ? null : Status, Trigger = isRareTrigger ? null : Trigger };
        return (narrow.ToSql(), check == new RunFilter() ? null : check.ToSql());
    }

    /// <summary>The values that the conditions name.</summary>
    internal DynamicParameters ToParameters() => new(new { job = Job, from = From, to = To, retryOf = RetryOf });
}
