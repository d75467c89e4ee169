using JobPlatform.Core.Engine;
using JobPlatform.Core.Runs;

namespace JobPlatform.Server.Cli;

/// <summary>Prints what a run says while it runs.</summary>
/// <param name="session">The verb's session.</param>
/// <param name="log">Gets the log lines; changes of state and progress go to standard error.</param>
internal sealed class RunFollower(Session session, TextWriter log)
{
    private const int Page = 1000;
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);
    // In a file each report is a line that stays.
    private static readonly TimeSpan PrintedProgressPause = TimeSpan.FromSeconds(5);

    private readonly RunStore _runs = session.Get<RunStore>();
    private readonly TimeProvider _clock = session.Get<TimeProvider>();
    private long _lastLine;
    private string _state = "";
    private string _progress = "";
    private long _progressPrinted;

    /// <summary>Follows until the run ends or the wait is over, and returns the run as it is then.</summary>
    /// <exception cref="CliException">There is no such run.</exception>
    public async Task<RunDetails> FollowAsync(Guid id, TimeSpan wait, CancellationToken cancellation)
    {
        var start = _clock.GetTimestamp();
        try
        {
            for (var pause = FirstLook; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
            {
                var run = await _runs.FindAsync(id, cancellation) ?? throw CliException.Refused($"There is no run {id} any more.");
                // After the look: a run's lines are written before its end is.
                await PrintLinesAsync(id, cancellation);
                PrintState(run);
                var left = wait - _clock.GetElapsedTime(start);
                if (run.Status.IsEnd()) return run;
                if (left <= TimeSpan.Zero)
                {
                    session.Output.Note($"The wait of {wait.TotalSeconds:0} s is over and the run goes on: 'jobplatform runs tail {id}' follows it.");
                    if (run.Status == RunStatus.Queued && await session.Get<IJobEngine>().FindFaultAsync(cancellation) is { } fault)
                        session.Output.Note(fault);
                    return run;
                }
                PrintProgress(run);
                await Task.Delay(pause < left ? pause : left, _clock, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            ClearProgress();
            session.Output.Note($"The run goes on: 'jobplatform runs tail {id}' follows it, 'jobplatform runs cancel {id}' ends it.");
            throw;
        }
    }

    private async Task PrintLinesAsync(Guid id, CancellationToken cancellation)
    {
        while (await _runs.ListLogAsync(id, _lastLine, Page, cancellation) is { Count: > 0 } lines)
        {
            ClearProgress();
            foreach (var line in lines) await log.WriteLineAsync(RunText.LogLine(line));
            _lastLine = lines[^1].Id;
        }
    }

    private void PrintState(RunDetails run)
    {
        var state = run.Status switch
        {
            RunStatus.Queued => run.RunAt > _clock.GetUtcNow() ? $"waits until {Output.Time(run.RunAt)}" : "waits for a worker",
            RunStatus.Running => $"attempt {run.Attempt} runs on {run.Worker}",
            RunStatus.Retrying => $"attempt {run.Attempt} failed ({RunText.Result(run.Error)}); the next one starts {Output.Time(run.RunAt)}",
            RunStatus.Success => $"success in {Output.Duration(run.DurationMs)}",
            RunStatus.Skipped => $"skipped: {run.SkipReason}",
            _ => $"{run.Status.ToWord()} in attempt {run.Attempt}: {RunText.Result(run.Error)}",
        };
        if (state == _state) return;
        _state = state;
        ClearProgress();
        session.Output.Note($"  {state}");
    }

    private void PrintProgress(RunDetails run)
    {
        var progress = run.Status == RunStatus.Running ? RunText.Progress(run.Progress) : "";
        if (progress.Length == 0 || progress == _progress) return;
        if (Output.IsErrorDecorated)
        {
            // To the line's beginning, the text, and nothing after it.
            Console.Error.Write($"\r  {progress}\u001b[K");
        }
        else
        {
            if (_progressPrinted != 0 && _clock.GetElapsedTime(_progressPrinted) < PrintedProgressPause) return;
            _progressPrinted = _clock.GetTimestamp();
            session.Output.Note($"  {progress}");
        }
        _progress = progress;
    }

    private void ClearProgress()
    {
        if (_progress.Length == 0 || !Output.IsErrorDecorated) return;
        Console.Error.Write("\r\u001b[K");
        _progress = "";
    }
}
