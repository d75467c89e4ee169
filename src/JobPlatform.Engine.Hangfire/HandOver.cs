using System.Reflection;
using Hangfire.Common;
using Hangfire.States;
using JobPlatform.Core.Database;
using JobPlatform.Core.Engine;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace JobPlatform.Engine.Hangfire;

/// <summary>
/// Hands committed runs over to Hangfire, those of the API as those of SQL, in every process that runs jobs: the row is
/// locked while its job is made, so that one process does it, and a crash in between leaves a row that the next look
/// finds. A run that was handed over twice all the same is started once: the row names the job that carries it.
/// </summary>
internal sealed partial class HandOver(
    PlatformDatabase database, HangfireParts hangfire, Carriers carriers, Lanes lanes, RunningRuns running,
    EngineOptions options, EngineSignals signals, TimeProvider clock, ILogger<HandOver> log) : BackgroundService
{
    // Few, as a run that is fetched at once waits until the whole batch is committed.
    private const int Batch = 20;
    // The clocks of two machines are some tens of milliseconds apart: a run whose time is now by the one that made it would
    // become a scheduled job here, and wait for the stroke of a second (seen: p50 485 ms instead of 40). It waits in the worker.
    private static readonly TimeSpan ClocksApart = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(10);
    private static readonly MethodInfo Method = typeof(PlatformRun).GetMethod(nameof(PlatformRun.RunAsync))!;
    private long? _checked;

    /// <summary>What Hangfire stores of a run.</summary>
    public static Job JobOf(string jobName, Guid? run, string trigger, string? lane) =>
        new(typeof(PlatformRun), Method, [jobName, run?.ToString(), trigger, null], lane);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        await running.RepeatAsync(StepAsync, stoppingToken);
    }

    private async Task StepAsync(CancellationToken stop)
    {
        if (_checked is not { } before || clock.GetElapsedTime(before) >= CheckInterval)
        {
            await lanes.RefreshAsync(stop);
            if (await carriers.CheckAsync(isFirst: _checked is null, stop) is > 0 and var lost) LogLost(lost);
            _checked = clock.GetTimestamp();
        }
        while (await HandOverAsync(stop) == Batch) stop.ThrowIfCancellationRequested();
        await carriers.WakeAsync(stop);
        await signals.Runs.WaitAsync(signals.IsListening ? options.PollInterval * 3 : options.PollInterval, clock, stop);
    }

    private async Task<int> HandOverAsync(CancellationToken stop)
    {
        await using var connection = await database.OpenAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        var waiting = await ReadAsync(connection, stop);
        if (waiting.Count == 0) return 0;
        var references = new List<string>(waiting.Count);
        try
        {
            foreach (var run in waiting)
            {
                var lane = Lanes.NameOf(run.Queue, run.Priority);
                if (!lanes.Contains(lane)) await lanes.RefreshAsync(stop);
                var state = run.RunAt <= clock.GetUtcNow() + ClocksApart ? (IState)new EnqueuedState(lane) : new ScheduledState(run.RunAt.UtcDateTime);
                references.Add(hangfire.Client.Create(JobOf(run.JobName, run.Id, run.Trigger, lane), state));
            }
        }
        finally
        {
            await WriteAsync(connection, waiting, references);
            await transaction.CommitAsync(CancellationToken.None);
        }
        return waiting.Count;
    }

    // The most urgent first: Hangfire orders what it has, not what it is still to get.
    private static async Task<List<WaitingRun>> ReadAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT r.id, r.run_at, r.queue, r.priority, r.trigger, coalesce(j.name, '(deleted)')
              FROM jobplatform.job_runs r LEFT JOIN jobplatform.jobs j ON j.id = r.job_id
             WHERE r.engine_ref IS NULL AND r.status IN ('queued', 'retrying')
             ORDER BY r.priority, r.run_at, r.id LIMIT $1 FOR UPDATE OF r SKIP LOCKED
            """, connection) { Parameters = { new() { Value = Batch } } };
        var waiting = new List<WaitingRun>(Batch);
        await using var reader = await command.ExecuteReaderAsync(stop);
        while (await reader.ReadAsync(stop))
            waiting.Add(new(reader.GetGuid(0), new DateTimeOffset(reader.GetDateTime(1), TimeSpan.Zero), reader.GetString(2), reader.GetInt16(3),
                reader.GetString(4), reader.GetString(5)));
        return waiting;
    }

    private static async Task WriteAsync(NpgsqlConnection connection, List<WaitingRun> waiting, List<string> references)
    {
        await using var command = new NpgsqlCommand(
            """
            UPDATE jobplatform.job_runs r SET engine_ref = g.reference
              FROM unnest($1::uuid[], $2::text[]) AS g(id, reference) WHERE r.id = g.id
            """, connection)
        {
            Parameters =
            {
                new() { Value = waiting.Take(references.Count).Select(run => run.Id).ToArray() },
                new() { Value = references, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            },
        };
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private readonly record struct WaitingRun(Guid Id, DateTimeOffset RunAt, string Queue, short Priority, string Trigger, string JobName);

    [LoggerMessage(2501, LogLevel.Warning, "{Runs} waiting runs had no living job of Hangfire; they are handed over again")]
    private partial void LogLost(int runs);
}
