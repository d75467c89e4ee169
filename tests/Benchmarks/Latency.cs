using System.Diagnostics;
using System.Threading.Channels;
using Dapper;
using JobPlatform.Testing;
using Npgsql;

namespace JobPlatform.Benchmarks;

/// <summary>
/// From enqueue in one process to the handler's start in another; in turns with it the same way by hand: insert, notify,
/// listen, claim by key.
/// </summary>
internal static class Latency
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    public static async Task MeasureAsync(int runs)
    {
        await using var database = await Figures.CreateDatabaseAsync();
        await using var worker = await WorkerProcess.StartAsync(database.ConnectionString);
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, runsJobs: false);
        await using var byHand = await ByHand.StartAsync(database);
        for (var i = 0; i < 50; i++)
        {
            await platform.WaitForEndAsync(await platform.EnqueueAsync("nothing"));
            await byHand.MeasureAsync();
        }
        await database.ExecuteAsync("DELETE FROM jobplatform.job_runs");
        var limits = new List<double>(runs);
        for (var i = 0; i < runs; i++)
        {
            await platform.EnqueueAsync("nothing");
            await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
            limits.Add(await byHand.MeasureAsync());
            await Task.Delay(Pause, TimeProvider.System, CancellationToken.None);
        }
        await Figures.WaitAsync(database, "NOT EXISTS (SELECT FROM jobplatform.job_runs WHERE finished_at IS NULL)");
        await using var connection = await database.OpenAsync();
        // created_at is the moment before the insert, started_at the moment of the claim, both by the database's clock,
        // which both processes keep within a fraction of a millisecond.
        var waits = (await connection.QueryAsync<double>("SELECT extract(epoch FROM started_at - created_at) * 1000 FROM jobplatform.job_runs")).AsList();
        Figures.Print("latency p50", "ms", Figures.Percentile(waits, 0.5), Figures.Percentile(limits, 0.5), "enqueue to handler start, two processes, one at a time");
        Figures.Print("latency p99", "ms", Figures.Percentile(waits, 0.99), Figures.Percentile(limits, 0.99));
    }

    /// <summary>One connection that inserts and notifies, one that listens, one that claims.</summary>
    private sealed class ByHand(NpgsqlConnection enqueuer, NpgsqlConnection listener, NpgsqlConnection claimer) : IAsyncDisposable
    {
        private readonly Channel<string> _heard = Channel.CreateUnbounded<string>();
        private readonly CancellationTokenSource _end = new();
        private Task _listening = Task.CompletedTask;

        public static async Task<ByHand> StartAsync(TestDatabase database)
        {
            await database.ExecuteAsync("CREATE TABLE bare_runs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status text NOT NULL DEFAULT 'queued')");
            var byHand = new ByHand(await database.OpenAsync(), await database.OpenAsync(), await database.OpenAsync());
            byHand.Listen();
            return byHand;
        }

        public async Task<double> MeasureAsync()
        {
            var started = Stopwatch.GetTimestamp();
            var id = await enqueuer.ExecuteScalarAsync<long>("INSERT INTO bare_runs DEFAULT VALUES RETURNING id");
            await enqueuer.ExecuteAsync("SELECT pg_notify('bare', '')");
            await _heard.Reader.ReadAsync();
            await claimer.ExecuteAsync("UPDATE bare_runs SET status = 'running' WHERE id = @id AND status = 'queued'", new { id });
            return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var connection in new[] { enqueuer, listener, claimer }) await connection.DisposeAsync();
            _end.Dispose();
        }

        private void Listen()
        {
            listener.Notification += (_, message) => _heard.Writer.TryWrite(message.Channel);
            _listening = Task.Run(async () =>
            {
                await listener.ExecuteAsync("LISTEN bare");
                while (true) await listener.WaitAsync(_end.Token);
            });
        }
    }
}
