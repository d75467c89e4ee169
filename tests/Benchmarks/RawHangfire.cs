#if HANGFIRE_ENGINE
using System.Diagnostics;
using Hangfire;
using Hangfire.PostgreSql;
using JobPlatform.Core.Database;
using JobPlatform.Engine.Hangfire;
using JobPlatform.Testing;
using Npgsql;

namespace JobPlatform.Benchmarks;

/// <summary>Hangfire.PostgreSql without the platform: 16 workers, poll 50 ms, the pool set as the platform's is.</summary>
public sealed class RawHangfire(string connectionString) : IConnectionFactory, IAsyncDisposable
{
    private static NpgsqlDataSource? s_starts;
    private readonly PlatformDatabase _database = new(connectionString);

    public PostgreSqlStorage CreateStorage() => new(this, new PostgreSqlStorageOptions
    {
        SchemaName = HangfireSchema.Name, PrepareSchemaIfNecessary = false, QueuePollInterval = TimeSpan.FromMilliseconds(50), UseSlidingInvisibilityTimeout = true,
    });

    public NpgsqlConnection GetOrCreateConnection() => _database.Source.CreateConnection();

    /// <summary>Does nothing.</summary>
    public static void Nothing()
    {
        // As the platform's handler "nothing".
    }

    /// <summary>Notes when it began.</summary>
    public static void Note(Guid id)
    {
        using var command = s_starts!.CreateCommand("UPDATE raw_starts SET started_at = clock_timestamp() WHERE id = $1");
        command.Parameters.Add(new() { Value = id });
        command.ExecuteNonQuery();
    }

    /// <summary>A worker as a process of its own, until its input ends.</summary>
    public static async Task ServeAsync(string connectionString)
    {
        await using var raw = new RawHangfire(connectionString);
        s_starts = raw._database.Source;
        using var server = raw.Open();
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
    }

    /// <summary>Starts 16 workers in this process.</summary>
    public BackgroundJobServer Open() => new(new BackgroundJobServerOptions { WorkerCount = 16 }, CreateStorage());

    public static async Task<List<double>> MeasureLatencyAsync(TestDatabase database, int runs)
    {
        await database.ExecuteAsync("CREATE TABLE raw_starts (id uuid PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT clock_timestamp(), started_at timestamptz)");
        await using var raw = new RawHangfire(database.ConnectionString);
        var client = new BackgroundJobClient(raw.CreateStorage());
        using var worker = Process.Start(new ProcessStartInfo("dotnet", [typeof(RawHangfire).Assembly.Location, "raw-worker", database.ConnectionString])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        if (await worker.StandardOutput.ReadLineAsync() != "ready") throw new InvalidOperationException("The raw worker did not start.");
        for (var i = 0; i < runs + 50; i++)
        {
            var id = Guid.CreateVersion7();
            await database.ExecuteAsync("INSERT INTO raw_starts (id) VALUES (@id)", new { id });
            client.Enqueue(() => Note(id));
            await Task.Delay(EngineComparison.Apart, TimeProvider.System, CancellationToken.None);
        }
        await Figures.WaitAsync(database, "NOT EXISTS (SELECT FROM raw_starts WHERE started_at IS NULL)");
        worker.StandardInput.Close();
        await worker.WaitForExitAsync();
        return await EngineComparison.ReadAsync(database,
            $"SELECT (extract(epoch FROM started_at - created_at) * 1000)::float8 FROM (SELECT * FROM raw_starts ORDER BY id OFFSET 50) s");
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
#endif
