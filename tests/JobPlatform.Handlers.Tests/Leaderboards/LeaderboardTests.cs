using JobPlatform.Core.Runs;
using Npgsql;

namespace JobPlatform.Handlers.Tests.Leaderboards;

public sealed class LeaderboardTests
{
    /// <summary>Organisation 1 has three users and a team, organisation 2 a user.</summary>
    internal const string Rows =
        """
        INSERT INTO public.organisations (id, slug, name, ingest_key, leaderboard_stale_at) VALUES (1, 'a', 'A', 'a', now()), (2, 'b', 'B', 'b', NULL);
        INSERT INTO public.activities (organisation_id, entity_type, entity_id, kind, amount, occurred_at) VALUES
            (1, 'user', 1, 'message', 1, now()), (1, 'user', 1, 'message', 2, now() - interval '2 months'), (1, 'user', 2, 'document', 1, now()),
            (1, 'user', 3, 'message', 3, now()), (1, 'team', 1, 'message', 4, now()), (1, 'user', 9, 'message', 100, now() - interval '14 months'),
            (2, 'user', 1, 'message', 7, now());
        """;

    /// <summary>The current boards: organisation, type, then entity:score:rank.</summary>
    internal const string Boards =
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
        await bench.DieInSecondBatchAsync("public.ingest_log", "INSERT");

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
        Assert.That($"{(await bench.RunAsync("""{"organisation_id": 1, "entity_types": ["team"]}""")).OutputJson()}", Is.EqualTo("""{"scored":1,"materialized":1}"""));
        Assert.That(await bench.Database.ScalarAsync<string>(Boards), Is.EqualTo("1 team 1:4:1"), "the same once more");
        Assert.That((await bench.RunAsync("""{"organisation_id": 7, "entity_types": ["team"]}""")).ErrorMessage(), Is.EqualTo("organisation_id: there is no organisation 7."));
    }

    [TestCase("refresh-leaderboard", """{"organisation_id": 3}""", """{"ingested":0,"scored":0,"materialized":0}""")]
    [TestCase("score-leaderboard-entities", """{"organisation_id": 3, "entity_types": ["user"]}""", """{"scored":0,"materialized":0}""")]
    public async Task An_organisation_without_signals_has_no_board(string handler, string payload, string output)
    {
        await using var bench = await StartAsync(handler);
        await bench.Database.ExecuteAsync("INSERT INTO public.organisations (id, slug, name, ingest_key) VALUES (3, 'c', 'C', 'c')");

        Assert.That($"{(await bench.RunAsync(payload)).OutputJson()}", Is.EqualTo(output));
        Assert.That(await bench.Database.ScalarAsync<string>(Boards), Is.Null);
    }

    [TestCase("score-leaderboard-entities", """{"organisation_id": 1, "entity_types": ["user"]}""")]
    [TestCase("recompute-leaderboard", """{"organisation_id": 1}""")]
    public async Task What_works_on_the_same_key_is_skipped_while_another_run_has_it(string handler, string payload)
    {
        await using var bench = await StartAsync(handler, "Development");
        await using var other = await bench.Database.OpenAsync();
        await using var held = await other.BeginTransactionAsync();
        await using var hold = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended('leaderboard:lock:a', 0))", other);
        await hold.ExecuteNonQueryAsync();

        var ending = await bench.RunAsync(payload);

        Assert.That((ending.Status, ending.SkipReason, ending.Output), Is.EqualTo((RunStatus.Skipped, "overlap", """{"lock":"leaderboard:lock:a"}""")));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.signals"), Is.Zero);
    }

    private static async Task<HandlerBench> StartAsync(string handler, string? environment = null)
    {
        var bench = await HandlerBench.CreateAsync(handler, settings: new() { ["ENVIRONMENT"] = environment });
        await bench.Database.ExecuteAsync(Rows);
        return bench;
    }
}
