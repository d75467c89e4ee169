using JobPlatform.Core.Database;
using JobPlatform.Core.Handlers;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Testing;

/// <summary>
/// Proves from outside that a run never runs twice at a time: it holds an advisory lock named after the run while it
/// works. PostgreSQL drops the lock when the process dies, so a second holder is a real overlap.
/// </summary>
[JobHandler("probe", "Notes in the table probe when it began and ended.")]
public sealed class ProbeHandler(PlatformDatabase database) : JobHandler<ProbeHandler.Config>
{
    /// <summary>The table that the probe writes.</summary>
    public const string Table =
        """
        CREATE TABLE IF NOT EXISTS probe (run_id uuid NOT NULL, job text NOT NULL, fence bigint NOT NULL, attempt int NOT NULL,
                                          overlapped boolean NOT NULL, began_at timestamptz NOT NULL DEFAULT clock_timestamp(), ended_at timestamptz)
        """;

    /// <summary>What it is to do.</summary>
    public sealed record Config
    {
        /// <summary>How long it works.</summary>
        public int Milliseconds { get; init; }

        /// <summary>How long it works when it is claimed for the first time.</summary>
        public int? FirstMilliseconds { get; init; }

        /// <summary>The attempts that fail.</summary>
        public int FailAttempts { get; init; }

        /// <summary>Goes on when it is told to stop.</summary>
        public bool IgnoreCancellation { get; init; }
    }

    /// <inheritdoc/>
    public override async Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await using var begin = new NpgsqlCommand(
            """
            INSERT INTO probe (run_id, job, fence, attempt, overlapped)
            VALUES ($1, $2, $3, $4, NOT pg_try_advisory_lock(hashtextextended($1::text, 0)))
            """, connection) { Parameters = { new() { Value = run.RunId }, new() { Value = run.JobName }, new() { Value = run.Fence }, new() { Value = run.Attempt } } };
        await begin.ExecuteNonQueryAsync(CancellationToken.None);
        try
        {
            var milliseconds = run.Fence == 1 ? config.FirstMilliseconds ?? config.Milliseconds : config.Milliseconds;
            if (milliseconds > 0)
                await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), run.Clock, config.IgnoreCancellation ? CancellationToken.None : cancellation);
            return run.Attempt <= config.FailAttempts ? RunOutcome.Fail($"attempt {run.Attempt} fails") : RunOutcome.Success(new { run.Attempt, run.Fence });
        }
        finally
        {
            await using var end = new NpgsqlCommand("SELECT pg_advisory_unlock_all(); UPDATE probe SET ended_at = clock_timestamp() WHERE run_id = @id AND fence = @fence", connection)
            {
                Parameters = { new("id", run.RunId), new("fence", run.Fence) },
            };
            await end.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }
}

/// <summary>Does nothing, at once.</summary>
[JobHandler("nothing", "Does nothing.")]
public sealed class NothingHandler : JobHandler<NoConfig>
{
    private static readonly Task<RunOutcome> Done = Task.FromResult(RunOutcome.Success());

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(NoConfig config, RunContext run, CancellationToken cancellation) => Done;
}

/// <summary>Ends in the way that it is told.</summary>
[JobHandler("ends", "Ends in the way that it is told.")]
public sealed partial class EndsHandler : JobHandler<EndsHandler.Config>
{
    /// <summary>How it ends.</summary>
    public enum How { Success, Fail, FailForGood, Throw, Snooze, SafetyStop, NulOutput, HugeOutput, Speak, HalfCharacters }

    /// <summary>How it is to end.</summary>
    public sealed record Config
    {
        /// <summary>The way.</summary>
        public How How { get; init; }

        /// <summary>What it says.</summary>
        public string Text { get; init; } = "";
    }

    /// <inheritdoc/>
    public override Task<RunOutcome> RunAsync(Config config, RunContext run, CancellationToken cancellation)
    {
        if (config.How == How.Speak)
        {
            LogText(run.Logger, config.Text);
            run.ReportProgress(1, 2, config.Text);
        }
        if (config.How == How.HalfCharacters)
        {
            LogText(run.Logger, new string('x', 8191) + "😀");
            LogText(run.Logger, "half " + '\uD83D');
            run.ReportProgress(1, 2, "half " + '\uD83D');
        }
        return Task.FromResult(config.How switch
        {
            How.Fail => RunOutcome.Fail(config.Text),
            How.HalfCharacters => RunOutcome.FailForGood("half " + '\uD83D'),
            How.FailForGood => RunOutcome.FailForGood(config.Text),
            How.Throw => throw new InvalidOperationException(config.Text),
            How.Snooze when run.Fence == 1 => RunOutcome.SnoozeUntil(run.Clock.GetUtcNow() + TimeSpan.FromHours(1)),
            How.SafetyStop => RunOutcome.StopForSafety(new { would_delete = 9 }),
            How.NulOutput => RunOutcome.Success(new { text = "a\0b" }),
            How.HugeOutput => RunOutcome.Success(new { text = new string('x', 300_000) }),
            _ => RunOutcome.Success(new { text = config.Text }),
        });
    }

    [LoggerMessage(1, LogLevel.Information, "{Text}")]
    private static partial void LogText(ILogger logger, string text);
}
