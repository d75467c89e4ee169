using System.Text.Json;
using JobPlatform.Core.Events;
using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Sessions;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace JobPlatform.Handlers.Tests;

/// <summary>
/// A handler on the sample application's tables, a clock that stands still, and runs as the executor makes them. The
/// job, named like the handler, has the key 1.
/// </summary>
internal sealed class HandlerBench : IAsyncDisposable
{
    private readonly TestPlatform _platform;

    private HandlerBench(TestDatabase database, TestPlatform platform, FakeClock clock, string handler) =>
        (Database, _platform, Clock, Handler) = (database, platform, clock, handler);

    public TestDatabase Database { get; }

    public FakeClock Clock { get; }

    public string Handler { get; }

    public DateTimeOffset Now => Clock.GetUtcNow();

    /// <summary>Makes the database, the job and a node.</summary>
    /// <param name="handler">The handler's key.</param>
    /// <param name="withSample">False for a database without the application's tables.</param>
    /// <param name="configure">Adds what the handler needs.</param>
    /// <param name="settings">Settings beside <c>LOGS_ENABLED</c>.</param>
    /// <param name="role">The role that the handler works as; null for the tables' owner.</param>
    /// <param name="time">The node's clock where it shall not stand still: what waits between two tries needs one that goes.</param>
    /// <param name="outgoingAllowed">As the setting OUTGOING_ALLOW.</param>
    public static async Task<HandlerBench> CreateAsync(string handler, bool withSample = true,
        Action<IServiceCollection>? configure = null, Dictionary<string, string?>? settings = null, string? role = null, TimeProvider? time = null,
        string outgoingAllowed = "")
    {
        var database = withSample ? await TestDatabase.CreateWithSampleAsync() : await TestDatabase.CreateAsync();
        await database.AddJobAsync(handler, handler);
        // The database's time to the second: the application's own functions go by it.
        var clock = new FakeClock(await database.ScalarAsync<DateTime>("SELECT date_trunc('second', now())"));
        var connection = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        if (role is not null) connection.Options = $"-c role={role}";
        var platform = await TestPlatform.StartAsync(connection.ConnectionString, time ?? clock, outgoingAllowed: outgoingAllowed, runsJobs: false, handlers: typeof(CleanupSessions).Assembly,
            settings: new(settings ?? []) { ["LOGS_ENABLED"] = "true" },
            configure: services =>
            {
                services.AddSingleton<RunJournal>().AddSingleton<Core.Alerts.JobPings>().AddSingleton<RunExecutor>().AddSingleton(new Core.Settings.LogRetention(30))
                    .AddSingleton<EventTypes>().AddSingleton<EventStore>();
                configure?.Invoke(services);
            });
        return new(database, platform, clock, handler);
    }

    /// <summary>A service of the node.</summary>
    public T Get<T>() where T : notnull => _platform.Services.GetRequiredService<T>();

    /// <summary>Runs the job once, to its end.</summary>
    public async Task<RunEnding> RunAsync(string? payload = null)
    {
        using var control = new RunControl(Clock);
        return await RunAsync(payload, control);
    }

    /// <summary>As above, to be stopped from outside.</summary>
    public async Task<RunEnding> RunAsync(string? payload, RunControl control, RunTrigger trigger = RunTrigger.Manual)
    {
        var (ending, leftBehind) = await _platform.Services.GetRequiredService<RunExecutor>().ExecuteAsync(new ClaimedRun
        {
            Id = Guid.CreateVersion7(), JobId = 1, JobVersion = int.MaxValue, Fence = 1, Attempt = 1, Rescues = 0, Trigger = trigger,
            Forced = false, Limited = false, StartedAt = Now, RunAt = Now, Payload = payload,
        }, control);
        Assert.That(leftBehind, Is.Null, "the handler stops when it is told to");
        return ending;
    }

    /// <summary>Runs it and gives the value of one field of its output.</summary>
    public async Task<long> CountAsync(string field, string? payload = null)
    {
        var output = (await RunAsync(payload)).OutputJson();
        Assert.That(output.TryGetProperty(field, out var value), Is.True, $"{output}");
        return value.GetInt64();
    }

    /// <summary>Lets the connection that changes rows of the table die in its second batch, as a killed process does.</summary>
    public Task DieInSecondBatchAsync(string table, string change = "DELETE") => Database.ExecuteAsync(
        $"""
        CREATE TABLE public.batches (committed bool);
        CREATE SEQUENCE public.deaths;
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
        BEGIN
            INSERT INTO public.batches VALUES (true);
            IF (SELECT count(*) FROM public.batches) = 2 AND nextval('public.deaths') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER die AFTER {change} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION die();
        """);

    /// <summary>Waits until a session waits for a lock.</summary>
    public async Task WaitForWaiterAsync()
    {
        await using var connection = await Database.OpenAsync();
        await using var look = new NpgsqlCommand(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())", connection);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!(bool)(await look.ExecuteScalarAsync(limit.Token))!) await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _platform.DisposeAsync();
        await Database.DisposeAsync();
    }
}

internal static class HandlerEndings
{
    /// <summary>The output of a run that succeeded.</summary>
    public static JsonElement OutputJson(this RunEnding ending)
    {
        Assert.That(ending.Status, Is.EqualTo(RunStatus.Success), ending.Error ?? ending.Output);
        return JsonElement.Parse(ending.Output!);
    }

    /// <summary>What the run's error says.</summary>
    public static string ErrorMessage(this RunEnding ending)
    {
        Assert.That(ending.Error, Is.Not.Null, ending.Output);
        return JsonElement.Parse(ending.Error!).GetProperty("message").GetString()!;
    }
}
