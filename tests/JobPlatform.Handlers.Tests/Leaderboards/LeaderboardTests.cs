using JobPlatform.Core.Runs;
using Npgsql;

namespace JobPlatform.Handlers.Tests.Leaderboards;

public sealed class LeaderboardTests
{
    // Organisation 1 has three users and a team, organisation 2 a user.
    private const string Rows =
        """
        INSERT INTO public.organisations (id, slug, name, ingest_key, leaderboard_stale_at) VALUES (1, 'a', 'A', 'a', now()), (2, 'b', 'B', 'b', NULL);
        INSERT INTO public.activities (organisation_id, entity_type, entity_id, kind, amount, occurred_at) VALUES
            (1, 'user', 1, 'message', 1, now()), (1, 'user', 1, 'message', 2, now() - interval '2 months'), (1, 'user', 2, 'document', 1, now()),
            (1, 'user', 3, 'message', 3, now()), (1, 'team', 1, 'message', 4, now()), (1, 'user', 9, 'message', 100, now() - interval '14 months'),
            (2, 'user', 1, 'message', 7, now());
        """;

    private const string Boards =
        """
        SELECT string_agg(concat_ws(' ', organisation_id, entity_type, (SELECT string_agg(concat_ws(':', e->>'entity_id', e->>'score', e->>'rank'), ' ')
                 FROM jsonb_array_elements(ranking) e)), ', ' ORDER BY organisation_id, entity_type)
          FROM public.leaderboard_materializations WHERE superseded_at IS NULL
        """;

    [Test]
    public async Task A_refresh_reads_the_signals_scores_by_weight_and_writes_the_boards()
    {
        await using var bench = await StartAsync("refresh-leaderboard");

        var output = (await bench.RunAsync("""{"organisation_id": 1, "weights": {"document": 2.5}, "batch_size": 2}""")).OutputJson();

        Assert.That($"{output}", Is.EqualTo("""{"ingested":5,"scored":4,"materialized":2}"""));
        Assert.That(await bench.Database.ScalarAsync<string>(Boards), Is.EqualTo("1 team 1:4:1, 1 user 1:3:1 3:3:1 2:2.5:3"));
        Assert.That(await bench.Database.ScalarAsync<DateTime?>("SELECT leaderboard_stale_at FROM public.organisations WHERE id = 1"), Is.Null);
    }

    [Test]
    public async Task A_second_refresh_reads_only_what_is_new_and_supersedes_the_board()
    {
        await using var bench = await StartAsync("refresh-leaderboard");
        await bench.RunAsync("""{"organisation_id": 1}""");
        await bench.Database.ExecuteAsync("INSERT INTO public.activities (organisation_id, entity_type, entity_id, kind) VALUES (1, 'user', 2, 'message')");
        bench.Clock.Advance(TimeSpan.FromHours(1));

        Assert.That(await bench.CountAsync("ingested", """{"organisation_id": 1, "top": 1}"""), Is.EqualTo(1));
        Assert.That(await bench.CountAsync("ingested", """{"organisation_id": 1, "top": 1}"""), Is.Zero);
        Assert.That(await bench.Database.ScalarAsync<string>(Boards), Does.EndWith("1 user 1:3:1").Or.EndWith("1 user 3:3:1"));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.leaderboard_materializations WHERE superseded_at IS NOT NULL"), Is.EqualTo(4));
    }

    [Test]
    public async Task A_row_with_a_lower_key_that_commits_after_a_refresh_is_read_by_the_next()
    {
        await using var bench = await StartAsync("refresh-leaderboard");
        await using var slow = await bench.Database.OpenAsync();
        await using var writing = await slow.BeginTransactionAsync();
        await using var insert = new NpgsqlCommand("INSERT INTO public.activities (organisation_id, entity_type, entity_id, kind) VALUES (2, 'user', 5, 'message')", slow);
        await insert.ExecuteNonQueryAsync();
        await bench.Database.ExecuteAsync("INSERT INTO public.activities (organisation_id, entity_type, entity_id, kind) VALUES (2, 'user', 6, 'message')");

        Assert.That(await bench.CountAsync("ingested", """{"organisation_id": 2}"""), Is.EqualTo(2));
        await writing.CommitAsync();
        bench.Clock.Advance(TimeSpan.FromMinutes(9));
        Assert.That(await bench.CountAsync("ingested", """{"organisation_id": 2}"""), Is.EqualTo(1));
    }

    [Test]
    public async Task Without_an_organisation_all_stale_ones_are_refreshed_and_no_other()
    {
        await using var bench = await StartAsync("refresh-leaderboard");

        Assert.That($"{(await bench.RunAsync()).OutputJson()}", Is.EqualTo("""{"refreshed":1,"ingested":5,"skipped":[]}"""));
        Assert.That($"{(await bench.RunAsync()).OutputJson()}", Is.EqualTo("""{"refreshed":0,"ingested":0,"skipped":[]}"""));
        Assert.That((await bench.RunAsync("""{"organisation_id": 7}""")).ErrorMessage(), Is.EqualTo("organisation_id: there is no organisation 7."));
    }

    [Test]
    public async Task Of_two_refreshes_of_one_key_the_second_is_skipped_and_says_so()
    {
        await using var bench = await StartAsync("refresh-leaderboard");
        // The first is held in its midst by somebody who holds the log.
        await using var holder = await bench.Database.OpenAsync();
        await using var held = await holder.BeginTransactionAsync();
        await using var hold = new NpgsqlCommand("LOCK TABLE public.ingest_log IN ACCESS EXCLUSIVE MODE", holder);
        await hold.ExecuteNonQueryAsync();
        var first = bench.RunAsync("""{"organisation_id": 1}""");
        await bench.WaitForWaiterAsync();

        var second = await bench.RunAsync("""{"organisation_id": 1}""");
        var all = (await bench.RunAsync()).OutputJson();
        await held.RollbackAsync();

        Assert.That((second.Status, second.SkipReason, second.Output), Is.EqualTo((RunStatus.Skipped, "overlap", """{"lock":"leaderboard:lock:a"}""")));
        Assert.That($"{all}", Is.EqualTo("""{"refreshed":0,"ingested":0,"skipped":["leaderboard:lock:a"]}"""));
        Assert.That((await first).OutputJson().GetProperty("ingested").GetInt32(), Is.EqualTo(5));
        Assert.That((await bench.RunAsync("""{"organisation_id": 1}""")).Status, Is.EqualTo(RunStatus.Success), "the lock ends with its run");
    }

    [Test]
    public async Task A_refresh_that_dies_half_way_keeps_what_it_read_and_the_next_goes_on()
    {
        await using var bench = await StartAsync("refresh-leaderboard");
        await bench.Database.ExecuteAsync(
            """
            CREATE SEQUENCE batches;
            CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF nextval('batches') = 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$;
            CREATE TRIGGER die AFTER INSERT ON public.ingest_log FOR EACH STATEMENT EXECUTE FUNCTION die();
            """);

        var died = await bench.RunAsync("""{"organisation_id": 1, "batch_size": 2}""");
        var read = await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.signals");

        Assert.That((died.Status, read), Is.EqualTo((RunStatus.Retrying, 2)));
        Assert.That(await bench.CountAsync("ingested", """{"organisation_id": 1, "batch_size": 2}"""), Is.EqualTo(3));
        Assert.That(await bench.Database.ScalarAsync<string>(Boards), Is.EqualTo("1 team 1:4:1, 1 user 1:3:1 3:3:1 2:1:3"));
    }

    [Test]
    public async Task Entity_types_that_were_left_out_are_scored_alone()
    {
        await using var bench = await StartAsync("refresh-leaderboard");
        await bench.RunAsync("""{"organisation_id": 1}""");
        await bench.Database.ExecuteAsync("UPDATE jobplatform.jobs SET handler = 'score-leaderboard-entities'; UPDATE public.computed_scores SET score = 0; DELETE FROM public.leaderboard_materializations");

        Assert.That($"{(await bench.RunAsync("""{"organisation_id": 1, "entity_types": ["team", "nothing"]}""")).OutputJson()}", Is.EqualTo("""{"scored":1,"materialized":1}"""));
        Assert.That(await bench.Database.ScalarAsync<string>(Boards), Is.EqualTo("1 team 1:4:1"));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.computed_scores WHERE score = 0"), Is.EqualTo(3));
    }

    [TestCase("""{"organisation_id": 1}""", "5 5")]
    [TestCase("""{"organisation_id": 1, "reingest": false}""", "0 5")]
    public async Task Recomputing_throws_away_one_organisations_rows_and_computes_them_anew(string payload, string ingestedAndSignals)
    {
        await using var bench = await StartAsync("refresh-leaderboard", "Development");
        await bench.RunAsync("""{"organisation_id": 1}""");
        await bench.RunAsync("""{"organisation_id": 2}""");
        await bench.Database.ExecuteAsync("UPDATE jobplatform.jobs SET handler = 'recompute-leaderboard'; UPDATE public.computed_scores SET score = 99 WHERE organisation_id = 1");

        var dry = (await bench.RunAsync(payload.Replace("}", ", \"dry_run\": true}", StringComparison.Ordinal))).Output;
        var output = (await bench.RunAsync(payload)).OutputJson();

        Assert.That(dry, Does.Contain("\"leaderboard_materializations\":2").And.Contain("\"computed_scores\":4"));
        Assert.That($"{output.GetProperty("ingested")} {await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.signals WHERE organisation_id = 1")}", Is.EqualTo(ingestedAndSignals));
        Assert.That(await bench.Database.ScalarAsync<string>(Boards), Is.EqualTo("1 team 1:4:1, 1 user 1:3:1 3:3:1 2:1:3, 2 user 1:7:1"));
    }

    [Test]
    public async Task Recomputing_is_refused_in_production()
    {
        await using var bench = await StartAsync("recompute-leaderboard");

        var ending = await bench.RunAsync("""{"organisation_id": 1}""");

        Assert.That((ending.Status, ending.ErrorMessage()), Is.EqualTo((RunStatus.Failed, ending.ErrorMessage())));
        Assert.That(ending.ErrorMessage(), Does.StartWith("recompute-leaderboard does not run in production"));
    }

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

    private static async Task<HandlerBench> StartAsync(string handler, string? environment = null)
    {
        var bench = await HandlerBench.CreateAsync(handler, settings: new() { ["ENVIRONMENT"] = environment });
        await bench.Database.ExecuteAsync(Rows);
        return bench;
    }

    private static async Task<string[]> ListAsync(HandlerBench bench) => (await bench.Database.ScalarAsync<string[]>(
        "SELECT array_agg(inhrelid::regclass::text ORDER BY 1) FROM pg_inherits WHERE inhparent = 'public.signals'::regclass"))!;
}
