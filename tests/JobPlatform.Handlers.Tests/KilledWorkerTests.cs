using Npgsql;

namespace JobPlatform.Handlers.Tests;

/// <summary>A worker as a process of its own, killed as by kill -9 in the midst of a batch; another one goes on to the end.</summary>
public sealed class KilledWorkerTests
{
    private const string User = "INSERT INTO public.users (id, email, full_name) VALUES (1, 'ada@example.com', 'Ada');";

    private static IEnumerable<TestCaseData> Cases =>
    [
        Case("cleanup-sessions", "DELETE", "public.chat_sessions",
            User +
            """
            INSERT INTO public.chats (id, user_id, model) VALUES (1, 1, 'm');
            INSERT INTO public.chat_sessions (chat_id, user_id, client, started_at, updated_at)
            SELECT 1, 1, 'web', now() - n * interval '1 day', now() - n * interval '1 day' FROM generate_series(1, 1000) n
            """, "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE updated_at < now() - interval '30 days 1 hour')) FROM public.chat_sessions", "29 0"),
        Case("delete-stale-empty-chats", "DELETE", "public.chats",
            User +
            """
            INSERT INTO public.chats (id, user_id, model, created_at) SELECT n, 1, 'm', now() - n * interval '1 hour' FROM generate_series(1, 1000) n;
            INSERT INTO public.messages (chat_id, role, content) SELECT n, 'user', 'hi' FROM generate_series(5, 1000, 5) n
            """, "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE id % 5 > 0)) FROM public.chats", "200 0"),
        Case("purge-logs", "DELETE", "public.ai_requests",
            """
            INSERT INTO public.ai_requests (provider, model, status, created_at) SELECT 'openai', 'm', 'succeeded', now() - n * interval '1 day' FROM generate_series(1, 1000) n;
            INSERT INTO jobplatform.admin_logs (created_at, actor, action) SELECT now() - n * interval '1 day', 'a', 'b' FROM generate_series(1, 1000) n
            """, "SELECT concat_ws(' ', (SELECT count(*) FROM public.ai_requests), (SELECT count(*) FROM jobplatform.admin_logs WHERE actor = 'a'))", "89 89"),
        Case("refresh-leaderboard", "INSERT", "public.ingest_log",
            """
            INSERT INTO public.organisations (id, slug, name, ingest_key, leaderboard_stale_at) VALUES (1, 'a', 'A', 'a', now());
            INSERT INTO public.activities (organisation_id, entity_type, entity_id, kind, amount, occurred_at)
            SELECT 1, 'user', n % 7, 'message', n % 3, now() - n % 50 * interval '1 day' FROM generate_series(1, 1000) n
            """,
            """
            SELECT concat_ws(' ', (SELECT count(*) FROM public.signals), (SELECT count(DISTINCT source_id) FROM public.signals),
                             (SELECT count(*) FROM (SELECT entity_id, sum(amount) FROM public.activities GROUP BY 1 EXCEPT SELECT entity_id, score FROM public.computed_scores) s),
                             (SELECT count(*) FROM public.leaderboard_materializations WHERE superseded_at IS NULL), (SELECT count(leaderboard_stale_at) FROM public.organisations))
            """, "1000 1000 0 1 0"),
    ];

    [TestCaseSource(nameof(Cases))]
    public async Task What_a_killed_worker_did_is_kept_and_another_one_does_the_rest(
        string handler, string change, string table, string rows, string verdict, string expected)
    {
        await using var database = await TestDatabase.CreateWithSampleAsync();
        await database.AddJobAsync(handler, handler, """config = '{"batch_size": 100}'""");
        await database.ExecuteAsync(rows);
        // The third batch stops with its rows changed and not committed, until the test lets it go.
        await database.ExecuteAsync(
            $"""
            CREATE TABLE public.batches (committed bool);
            CREATE FUNCTION stop_in_third() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO public.batches VALUES (true); IF (SELECT count(*) FROM public.batches) = 3 THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN NULL; END $$;
            CREATE TRIGGER stop AFTER {change} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION stop_in_third();
            """);
        await using var gate = await database.OpenAsync();
        await using (var hold = new NpgsqlCommand("SELECT pg_advisory_lock(7)", gate)) await hold.ExecuteNonQueryAsync();
        var before = await database.ScalarAsync<long>($"SELECT count(*) FROM {table}");

        await using var victim = await WorkerProcess.StartAsync(database.ConnectionString);
        await database.ExecuteAsync($"SELECT jobplatform.enqueue_job('{handler}')");
        await WaitUntilAsync(database, "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory')");
        await victim.KillAsync();
        var changed = Math.Abs(await database.ScalarAsync<long>($"SELECT count(*) FROM {table}") - before);
        await gate.CloseAsync();
        // The server notices that its clients are dead, and rolls the third batch back.
        await WaitUntilAsync(database, "NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'jobplatform%')");
        await using var other = await WorkerProcess.StartAsync(database.ConnectionString);
        await WaitUntilAsync(database, "EXISTS (SELECT FROM jobplatform.job_runs WHERE finished_at IS NOT NULL)");

        Assert.That(changed, Is.InRange(1, 200), "what the killed worker had committed was kept, and no more");
        Assert.That(await database.ScalarAsync<string>("SELECT concat_ws(' ', status, rescues > 0, error) FROM jobplatform.job_runs"), Is.EqualTo("success t"));
        Assert.That(await database.ScalarAsync<string>(verdict), Is.EqualTo(expected));
    }

    private static TestCaseData Case(string handler, string change, string table, string rows, string verdict, string expected) =>
        new TestCaseData(handler, change, table, rows, verdict, expected).SetArgDisplayNames(handler);

    private static async Task WaitUntilAsync(TestDatabase database, string condition)
    {
        await using var connection = await database.OpenAsync();
        await using var look = new NpgsqlCommand($"SELECT {condition}", connection);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!(bool)(await look.ExecuteScalarAsync(limit.Token))!) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
    }
}
