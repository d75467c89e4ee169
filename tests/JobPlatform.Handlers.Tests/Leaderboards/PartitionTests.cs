using JobPlatform.Core.Runs;
using Npgsql;

namespace JobPlatform.Handlers.Tests.Leaderboards;

/// <summary>The months of signals: dropped, made ahead, made on demand, and by whom.</summary>
public sealed class PartitionTests
{
    [TestCase(true)]
    [TestCase(false)]
    public async Task Partitions_beyond_the_months_that_are_kept_are_dropped_and_three_are_made_ahead(bool withFunction)
    {
        await using var bench = await StartAsync("drop-old-signals-partitions");
        var month = new DateOnly(bench.Now.Year, bench.Now.Month, 1);
        if (!withFunction) await bench.Database.ExecuteAsync("DROP FUNCTION public.drop_old_signals_partitions(integer)");
        foreach (var months in new[] { -14, -13, -12, -1 })
            await bench.Database.ExecuteAsync($"CREATE TABLE public.signals_{month.AddMonths(months):yyyy_MM} PARTITION OF public.signals FOR VALUES FROM ('{month.AddMonths(months):yyyy-MM-dd} 00:00Z') TO ('{month.AddMonths(months + 1):yyyy-MM-dd} 00:00Z')");

        var dry = await bench.RunAsync("""{"dry_run": true}""");
        Assert.That(withFunction ? dry.ErrorMessage() : dry.Output, Does.Contain(withFunction ? "the application's own function" : $"signals_{month.AddMonths(-13):yyyy_MM}"));
        Assert.That(await ListAsync(bench), Has.Length.EqualTo(4));
        Assert.That(await bench.CountAsync("dropped"), Is.EqualTo(2));
        Assert.That(await bench.CountAsync("dropped"), Is.Zero);
        Assert.That(await ListAsync(bench), Is.EqualTo(new[] { -12, -1, 0, 1, 2, 3 }.Select(months => $"signals_{month.AddMonths(months):yyyy_MM}").ToArray()));
    }

    [Test]
    public async Task A_run_that_dies_between_two_partitions_keeps_what_it_dropped_and_the_next_goes_on()
    {
        await using var bench = await StartAsync("drop-old-signals-partitions");
        await bench.Database.ExecuteAsync(
            """
            DROP FUNCTION public.drop_old_signals_partitions(integer);
            SELECT public.create_signals_partition((now() - months * interval '1 month')::date) FROM generate_series(20, 23) months;
            CREATE SEQUENCE drops;
            CREATE FUNCTION die() RETURNS event_trigger LANGUAGE plpgsql AS $$
            BEGIN IF nextval('drops') = 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; END $$;
            CREATE EVENT TRIGGER die ON sql_drop EXECUTE FUNCTION die();
            """);

        var died = await bench.RunAsync();

        Assert.That((died.Status, (await ListAsync(bench)).Length), Is.EqualTo((RunStatus.Retrying, 3 + 4)));
        Assert.That(await bench.CountAsync("dropped"), Is.EqualTo(3));
        Assert.That(await ListAsync(bench), Has.Length.EqualTo(4));
    }

    [Test]
    public async Task As_the_platforms_role_partitions_are_made_and_dropped_by_the_owners_functions_alone()
    {
        await using var bench = await StartAsync("drop-old-signals-partitions", "jobplatform_service");
        await bench.Database.ExecuteAsync("SELECT public.create_signals_partition((now() - interval '20 months')::date)");

        Assert.That(await bench.CountAsync("dropped"), Is.EqualTo(1));
        Assert.That(await ListAsync(bench), Has.Length.EqualTo(4));
        await bench.Database.ExecuteAsync("UPDATE jobplatform.jobs SET handler = 'refresh-leaderboard'");
        Assert.That(await bench.CountAsync("ingested", """{"organisation_id": 1}"""), Is.EqualTo(5), "one of them of a month that had no partition");
        // A table that only its owner can give a partition to.
        await bench.Database.ExecuteAsync("DROP FUNCTION public.create_signals_partition(date); DELETE FROM public.ingest_log; INSERT INTO public.activities (organisation_id, entity_type, entity_id, kind, occurred_at) VALUES (1, 'user', 1, 'message', now() - interval '5 months')");
        Assert.That((await bench.RunAsync("""{"organisation_id": 1}""")).ErrorMessage(),
            Does.Contain($"The partition signals_{bench.Now.AddMonths(-5):yyyy_MM} of public.signals could not be made").And.Contain("create_signals_partition(date)"));
    }

    [Test]
    public async Task Nobody_but_the_platform_may_make_or_drop_partitions_by_the_applications_functions()
    {
        await using var bench = await StartAsync("drop-old-signals-partitions");
        await using var connection = await bench.Database.OpenAsync();
        await using (var role = new NpgsqlCommand("SET ROLE jobplatform_app", connection)) await role.ExecuteNonQueryAsync();

        foreach (var call in new[] { "drop_old_signals_partitions(-100)", "create_signals_partition('2000-01-01')" })
        {
            await using var command = new NpgsqlCommand($"SELECT public.{call}", connection);
            Assert.That(command.ExecuteScalarAsync, Throws.InstanceOf<PostgresException>().With.Property("SqlState").EqualTo(PostgresErrorCodes.InsufficientPrivilege));
        }
    }

    [Test]
    public async Task Several_that_want_the_same_month_make_it_once()
    {
        await using var bench = await StartAsync("refresh-leaderboard");
        await bench.Database.ExecuteAsync("UPDATE public.organisations SET leaderboard_stale_at = now()");

        var runs = await Task.WhenAll(bench.RunAsync("""{"organisation_id": 1}"""), bench.RunAsync("""{"organisation_id": 2}"""));

        Assert.That(runs.Select(run => run.Status), Has.All.EqualTo(RunStatus.Success), string.Join(' ', runs.Select(run => run.Error)));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.signals"), Is.EqualTo(6));
    }

    private static async Task<HandlerBench> StartAsync(string handler, string? role = null)
    {
        var bench = await HandlerBench.CreateAsync(handler, role: role);
        await bench.Database.ExecuteAsync(LeaderboardTests.Rows);
        return bench;
    }

    private static async Task<string[]> ListAsync(HandlerBench bench) => (await bench.Database.ScalarAsync<string[]>(
        "SELECT array_agg(inhrelid::regclass::text ORDER BY 1) FROM pg_inherits WHERE inhparent = 'public.signals'::regclass"))!;
}
