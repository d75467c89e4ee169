using System.Threading.Channels;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Core.Engine;

/// <summary>
/// Records endings: what has come in while one batch was being committed is the next batch, so that a lone run is
/// recorded at once and many share a commit. While the database is away it keeps trying; the bounded queue then holds
/// the workers back.
/// </summary>
internal sealed partial class RunCompleter(
    RunRecorder recorder, EngineOptions options, EngineSignals signals, TimeProvider clock, ILogger<RunCompleter> log)
{
    private const int MostInBatch = 1000;
    // Characters of output; what makes a statement too long to be quick.
    private const int LargestBatch = 4 * 1024 * 1024;
    private const string RefusedError =
        """{"type": "not_recorded", "message": "PostgreSQL refused to record how the run ended; the worker's log says why.", "attempt": 0}""";
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly Channel<RunEnding> _endings = Channel.CreateBounded<RunEnding>(
        new BoundedChannelOptions(4 * MostInBatch) { SingleReader = true });

    /// <summary>Hands an ending over; waits only when thousands are pending.</summary>
    public ValueTask AddAsync(RunEnding ending) => _endings.Writer.WriteAsync(ending);

    /// <summary>No more endings will come.</summary>
    public void Complete() => _endings.Writer.TryComplete();

    /// <summary>Records until <see cref="Complete"/> was called and all is recorded, or <paramref name="giveUp"/> ends.</summary>
    /// <param name="settled">Gets each ending with the state that was recorded; null when it was refused because the run
    /// went on elsewhere.</param>
    /// <param name="giveUp">Ends the tries.</param>
    public async Task RunAsync(Action<RunEnding, RunStatus?> settled, CancellationToken giveUp)
    {
        var batch = new List<RunEnding>(MostInBatch);
        while (await _endings.Reader.WaitToReadAsync(giveUp))
        {
            batch.Clear();
            var size = 0;
            while (batch.Count < MostInBatch && size < LargestBatch && _endings.Reader.TryRead(out var ending))
            {
                batch.Add(ending);
                size += ending.Output?.Length ?? 0;
            }
            await RecordAsync(batch, settled, giveUp);
            signals.Runs.Set();
        }
    }

    private async Task RecordAsync(List<RunEnding> batch, Action<RunEnding, RunStatus?> settled, CancellationToken giveUp)
    {
        for (var pause = TimeSpan.FromMilliseconds(50); ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                var recorded = await recorder.RecordAsync(batch, options.WorkerName, giveUp);
                foreach (var ending in batch)
                {
                    var isRecorded = recorded.TryGetValue(ending.Run.Id, out var status);
                    if (!isRecorded) LogRefused(ending.Run.Id, ending.Run.Fence, ending.Status);
                    settled(ending, isRecorded ? status : null);
                }
                return;
            }
            catch (PostgresException e) when (!e.IsTransient && IsAboutValues(e))
            {
                // Something in it that PostgreSQL will never take: find the one, the others are innocent.
                if (batch.Count > 1)
                {
                    foreach (var ending in batch) await RecordAsync([ending], settled, giveUp);
                    return;
                }
                LogEndingRefused(e, batch[0].Run.Id);
                if (batch[0].Error == RefusedError)
                {
                    settled(batch[0], null);
                    return;
                }
                batch = [batch[0] with { Status = RunStatus.Failed, RunAt = null, SkipReason = null, Output = null, Error = RefusedError }];
            }
            catch (Exception e) when (e is not OperationCanceledException || !giveUp.IsCancellationRequested)
            {
                // Repeating is safe: what was recorded after all is no longer running under this fence.
                LogRetrying(e, batch.Count, pause.TotalSeconds);
                await Task.Delay(pause, clock, giveUp);
            }
        }
    }

    // Data exceptions, violated constraints, program limits: the same statement will fail for ever.
    private static bool IsAboutValues(PostgresException e) => e.SqlState[..2] is "22" or "23" or "54";

    [LoggerMessage(2101, LogLevel.Warning, "The ending of run {RunId} (fence {Fence}, {Status}) was refused: the run went on elsewhere or its ending was recorded before")]
    private partial void LogRefused(Guid runId, long fence, RunStatus status);

    [LoggerMessage(2102, LogLevel.Warning, "{Count} endings could not be recorded yet; next try in {Seconds} s")]
    private partial void LogRetrying(Exception exception, int count, double seconds);

    [LoggerMessage(2103, LogLevel.Error, "PostgreSQL refused to record how run {RunId} ended")]
    private partial void LogEndingRefused(Exception exception, Guid runId);
}
