using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Sessions;

namespace JobPlatform.Handlers.Tests.Purges;

public sealed class PurgeTests
{
    private const string Sessions =
        """
        CREATE TABLE public.chat_sessions (id bigint PRIMARY KEY, updated_at timestamptz NOT NULL);
        INSERT INTO public.chat_sessions SELECT n, @now - interval '30 days' - interval '1 second' FROM generate_series(1, 25) n;
        INSERT INTO public.chat_sessions VALUES (26, @now - interval '30 days'), (27, @now - interval '30 days' + interval '1 second');
        """;

    [TestCase("""{"batch_size": 10}""", "deleted", 25, 2)]
    [TestCase("""{"max_rows": 7, "batch_size": 5}""", "deleted", 7, 20)]
    [TestCase("""{"dry_run": true}""", "would_delete", 25, 27)]
    [TestCase("""{"days_to_keep": 60}""", "deleted", 0, 27)]
    public async Task Sessions_older_than_the_cutoff_go_in_batches_and_those_at_it_stay(string config, string field, int counted, int left)
    {
        await using var database = await TestDatabase.CreateAsync();
        var clock = new FakeClock(await database.ScalarAsync<DateTime>("SELECT date_trunc('second', now())"));
        await database.ExecuteAsync(Sessions, new { now = clock.GetUtcNow() });
        await database.AddJobAsync("cleanup", "cleanup-sessions", $"config = '{config}'");
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, clock, handlers: typeof(CleanupSessions).Assembly);
        var id = await platform.EnqueueAsync("cleanup");

        RunDetails? run;
        while ((run = await platform.Runs.FindAsync(id)) is null || !run.Status.IsEnd())
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, CancellationToken.None);

        Assert.That(run.Status, Is.EqualTo(RunStatus.Success), $"{run.Error}");
        Assert.That(run.Output?.GetProperty(field).GetInt32(), Is.EqualTo(counted));
        Assert.That(await database.ScalarAsync<int>("SELECT count(*) FROM public.chat_sessions"), Is.EqualTo(left));
    }
}
