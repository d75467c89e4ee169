using System.Threading.Channels;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace JobPlatform.Engine.Postgres;

/// <summary>
/// Records endings: what has come in while one batch was being committed is the next batch, so that a lone run is
/// recorded at once and many share a commit. While the database is away it keeps trying; the bounded queue then holds
/// the workers back.
/// </summary>
internal sealed partial class RunCompleter(
    RunRecorder recorder, EngineOptions options, EngineSignals signals, TimeProvider clock, ILogger<RunCompleter> log)
{
    private const int MostInBatch = 1000;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly Channel<RunEnding> _endings = Channel.CreateBounded<RunEnding>(
        new BoundedChannelOptions(4 * MostInBatch) { SingleReader = true });

    /// <summary>Hands an ending over; waits only when thousands are pending.</summary>
    public ValueTask AddAsync(RunEnding ending) => _endings.Writer.WriteAsync(ending);

    /// <summary>No more endings will come.</summary>
    public void Complete() => _endings.Writer.TryComplete();

    /// <summary>Records until <see cref="Complete"/> was called and all is recorded, or <paramref name="giveUp"/> ends.</summary>
    public async Task RunAsync(CancellationToken giveUp)
    {
        var batch = new List<RunEnding>(MostInBatch);
        while (await _endings.Reader.WaitToReadAsync(giveUp))
        {
            batch.Clear();
            while (batch.Count < MostInBatch && _endings.Reader.TryRead(out var ending)) batch.Add(ending);
            await RecordAsync(batch, giveUp);
            signals.Runs.Set();
        }
    }

    private async Task RecordAsync(List<RunEnding> batch, CancellationToken giveUp)
    {
        for (var pause = TimeSpan.FromMilliseconds(50); ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                var recorded = await recorder.RecordAsync(batch, options.WorkerName, giveUp);
                if (recorded.Count < batch.Count)
                    foreach (var ending in batch.Where(ending => !recorded.Contains(ending.Run.Id)))
                        LogRefused(ending.Run.Id, ending.Run.Fence, ending.Status);
                return;
            }
            catch (PostgresException e) when (!e.IsTransient && e.SqlState.StartsWith("22", StringComparison.Ordinal) && batch.Count > 1)
            {
                // A value that PostgreSQL refuses: find the one, the others are innocent.
                foreach (var ending in batch) await RecordAsync([ending], giveUp);
                return;
            }
            catch (PostgresException e) when (!e.IsTransient && e.SqlState.StartsWith("22", StringComparison.Ordinal) && batch[0].Output is not null)
            {
                LogOutputRefused(e, batch[0].Run.Id);
                batch = [batch[0] with { Output = """{"lost": "PostgreSQL refused the output; the worker's log says why"}""" }];
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                // Repeating is safe: what was recorded after all is no longer running under this fence.
                LogRetrying(e, batch.Count, pause.TotalSeconds);
                await Task.Delay(pause, clock, giveUp);
            }
        }
    }

    [LoggerMessage(2101, LogLevel.Warning, "The ending of run {RunId} (fence {Fence}, {Status}) was refused: the run went on elsewhere or its ending was recorded before")]
    private partial void LogRefused(Guid runId, long fence, RunStatus status);

    [LoggerMessage(2102, LogLevel.Warning, "{Count} endings could not be recorded yet; next try in {Seconds} s")]
    private partial void LogRetrying(Exception exception, int count, double seconds);

    [LoggerMessage(2103, LogLevel.Error, "PostgreSQL refused the output of run {RunId}")]
    private partial void LogOutputRefused(Exception exception, Guid runId);
}
