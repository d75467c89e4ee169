namespace JobPlatform.Core.Telemetry;

/// <summary>Runs of a queue that could start and wait. Immutable.</summary>
public sealed record QueueLoad
{
    /// <summary>The queue.</summary>
    public required string Queue { get; init; }

    /// <summary>How many; at most 10,000 are counted of each job, or each priority of jobs without a limit.</summary>
    public long Depth { get; init; }

    /// <summary>How many seconds the oldest of them has waited; 0 where none does.</summary>
    public double OldestSeconds { get; init; }
}

/// <summary>A table of the platform or its engine. Immutable.</summary>
public sealed record TableLoad
{
    /// <summary>Its name with its schema.</summary>
    public required string Table { get; init; }

    /// <summary>Bytes on disk, with indexes.</summary>
    public long Bytes { get; init; }

    /// <summary>Rows, as the statistics of PostgreSQL estimate them.</summary>
    public long Rows { get; init; }

    /// <summary>Rows that a vacuum has still to remove, by the same.</summary>
    public long DeadRows { get; init; }
}

/// <summary>How much there is to do, and what the platform costs its database, for all nodes together. Immutable.</summary>
public sealed record LoadSnapshot
{
    /// <summary>The queues that jobs use.</summary>
    public required IReadOnlyList<QueueLoad> Queues { get; init; }

    /// <summary>Runs that are running.</summary>
    public long Running { get; init; }

    /// <summary>How many seconds ago a due time passed that no scheduler has turned into a run; 0 where none has.</summary>
    public double DueTimeLagSeconds { get; init; }

    /// <summary>Processes that run jobs.</summary>
    public long Workers { get; init; }

    /// <summary>Runs that they can run at once.</summary>
    public long Places { get; init; }

    /// <summary>E-mails that are due and wait; 10,000 at most are counted.</summary>
    public long Mails { get; init; }

    /// <summary>How many seconds the oldest of them has waited.</summary>
    public double OldestMailSeconds { get; init; }

    /// <summary>Connections of the platform to this database, by state.</summary>
    public required IReadOnlyList<(string State, long Count)> Connections { get; init; }

    /// <summary>Transactions of the whole database since its statistics began.</summary>
    public long Transactions { get; init; }

    /// <summary>The tables of the platform and its engine.</summary>
    public required IReadOnlyList<TableLoad> Tables { get; init; }

    /// <summary>Failures in a row of each job whose last run failed.</summary>
    public required IReadOnlyList<(string Job, long Count)> Failing { get; init; }

    /// <summary>Open alerts by kind.</summary>
    public required IReadOnlyList<(string Kind, long Count)> Alerts { get; init; }
}
