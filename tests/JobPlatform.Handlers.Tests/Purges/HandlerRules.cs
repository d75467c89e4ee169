namespace JobPlatform.Handlers.Tests.Purges;

public sealed class CleanupSessionsTests() : PurgeRules("cleanup-sessions", "public.chat_sessions", TimeSpan.FromDays(30),
    "INSERT INTO public.chat_sessions (chat_id, user_id, client, started_at, updated_at) VALUES (1, 1, 'web', @at, @at)");

public sealed class PurgeErrorLogsTests() : PurgeRules("purge-error-logs", "jobplatform.error_logs", TimeSpan.FromDays(30),
    "INSERT INTO jobplatform.error_logs (created_at, level, category, message) VALUES (@at, 'error', 'c', 'm')");

public sealed class PurgeAuditLogTests() : PurgeRules("purge-logs", "jobplatform.admin_logs", TimeSpan.FromDays(90),
    "INSERT INTO jobplatform.admin_logs (created_at, actor, action) VALUES (@at, 'a', 'b')");

public sealed class PurgeRunsTests() : PurgeRules("purge-logs", "jobplatform.job_runs", TimeSpan.FromDays(90),
    """
    INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, created_at, started_at, finished_at, status, queue, priority, limited)
    VALUES (gen_random_uuid(), 1, 1, 'api', @at, @at, @at, @at, 'success', 'default', 5, false)
    """);

public sealed class PurgeEventsTests() : PurgeRules("purge-logs", "jobplatform.events", TimeSpan.FromDays(90),
    "INSERT INTO jobplatform.events (created_at, type, payload, emitted_by, run_ids) VALUES (@at, 'chat.deleted', '{}', 'a', '{}')");

public sealed class PurgeAiRequestsTests() : PurgeRules("purge-logs", "public.ai_requests", TimeSpan.FromDays(90),
    "INSERT INTO public.ai_requests (provider, model, status, created_at) VALUES ('openai', 'm', 'succeeded', @at)");

public sealed class CleanupInvitationsTests() : PurgeRules("cleanup-invitations", "public.workspace_invitations", TimeSpan.Zero,
    "INSERT INTO public.workspace_invitations (workspace_id, email, expires_at) VALUES (1, 'b@example.com', @at)")
{
    [Test]
    public async Task An_answered_invitation_stays()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 3, -5);
        await bench.Database.ExecuteAsync("UPDATE public.workspace_invitations SET status = CASE id WHEN 1 THEN 'accepted' ELSE 'declined' END WHERE id < 3");

        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(1));
        Assert.That(await CountAsync(bench), Is.EqualTo(2));
    }
}

public sealed class CleanupUnusedPushSubscriptionsTests() : PurgeRules("cleanup-push-subscriptions", "public.push_subscriptions", TimeSpan.FromDays(90),
    "INSERT INTO public.push_subscriptions (user_id, endpoint, p256dh, auth, last_used_at) VALUES (1, gen_random_uuid(), 'k', 's', @at)")
{
    [Test]
    public async Task One_that_is_both_unused_and_expired_counts_once()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 2, -5);
        await bench.Database.ExecuteAsync("UPDATE public.push_subscriptions SET expires_at = last_used_at");

        Assert.That((await bench.RunAsync("""{"dry_run": true}""")).Output, Does.Contain("\"would_delete\":2"));
        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(2));
    }
}

public sealed class CleanupExpiredPushSubscriptionsTests() : PurgeRules("cleanup-push-subscriptions", "public.push_subscriptions", TimeSpan.Zero,
    "INSERT INTO public.push_subscriptions (user_id, endpoint, p256dh, auth, expires_at) VALUES (1, gen_random_uuid(), 'k', 's', @at)");

public sealed class PurgeExpiredAuthSessionsTests() : PurgeRules("purge-expired-auth-sessions", "public.auth_sessions", TimeSpan.Zero,
    "INSERT INTO public.auth_sessions (user_id, expires_at) VALUES (1, @at)")
{
    protected override string OwnFunction => "public.purge_expired_auth_sessions()";
}

public sealed class CleanupExpiredSessionsTests() : PurgeRules("cleanup-expired-sessions", "public.sessions", TimeSpan.Zero,
    "INSERT INTO public.sessions (user_id, expires_at) VALUES (1, @at)")
{
    protected override string OwnFunction => "public.cleanup_expired_sessions()";
}

public sealed class DeleteStaleDeactivatedAccountsTests() : PurgeRules("delete-stale-deactivated-accounts", "public.users", TimeSpan.FromDays(30),
    "INSERT INTO public.users (email, full_name, deactivated_at) SELECT n || '@example.com', 'n', @at FROM (SELECT gen_random_uuid()) g(n)")
{
    protected override int Young => 1;

    [Test]
    public async Task A_user_who_reactivates_while_the_job_runs_stays_with_all_that_is_theirs()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 3, -5);
        await bench.Database.ExecuteAsync("INSERT INTO public.chats (user_id, model) VALUES (10, 'm'), (11, 'm'), (12, 'm')");
        // User 11 is coming back: the update is made and not committed when the run meets the row.
        await using var user = await bench.Database.OpenAsync();
        await using var comingBack = await user.BeginTransactionAsync();
        await using var update = new Npgsql.NpgsqlCommand("UPDATE public.users SET deactivated_at = NULL WHERE id = 11", user);
        await update.ExecuteNonQueryAsync();

        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(2));
        await comingBack.CommitAsync();
        Assert.That(await bench.CountAsync("deleted"), Is.Zero);
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT string_agg(user_id::text, ' ' ORDER BY user_id) FROM public.chats"), Is.EqualTo("1 11"));
    }

    [Test]
    public async Task A_user_who_reactivates_between_two_batches_stays()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 2, -5);
        // The first batch is held up by somebody who holds its chat; meanwhile the user of the second comes back.
        await bench.Database.ExecuteAsync("INSERT INTO public.chats (user_id, model) VALUES (10, 'm')");
        await using var holder = await bench.Database.OpenAsync();
        await using var held = await holder.BeginTransactionAsync();
        await using var hold = new Npgsql.NpgsqlCommand("UPDATE public.chats SET title = 't' WHERE user_id = 10", holder);
        await hold.ExecuteNonQueryAsync();
        var run = bench.CountAsync("deleted", """{"batch_size": 1}""");
        await bench.WaitForWaiterAsync();
        await bench.Database.ExecuteAsync("UPDATE public.users SET deactivated_at = NULL WHERE id = 11");
        await held.RollbackAsync();

        Assert.That(await run, Is.EqualTo(1));
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.users"), Is.EqualTo("1 11"));
    }
}

public sealed class DeleteStaleEmptyChatsTests() : PurgeRules("delete-stale-empty-chats", "public.chats", TimeSpan.FromMinutes(15),
    "INSERT INTO public.chats (user_id, model, created_at) VALUES (1, 'm', @at)")
{
    protected override int Young => 1;

    [Test]
    public async Task A_chat_with_a_message_stays_whatever_its_age_and_however_small_the_batches()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 6, -5);
        await bench.Database.ExecuteAsync("INSERT INTO public.messages (chat_id, role, content) VALUES (10, 'user', 'hi'), (11, 'user', 'hi'), (14, 'user', 'hi')");

        Assert.That(await bench.CountAsync("deleted", """{"batch_size": 1}"""), Is.EqualTo(3));
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.chats"), Is.EqualTo("1 10 11 14"));
    }

    [Test]
    public async Task A_chat_whose_first_message_is_being_written_while_the_job_runs_stays()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 2, -5);
        await using var user = await bench.Database.OpenAsync();
        await using var writing = await user.BeginTransactionAsync();
        await using var insert = new Npgsql.NpgsqlCommand("INSERT INTO public.messages (chat_id, role, content) VALUES (11, 'user', 'hi')", user);
        await insert.ExecuteNonQueryAsync();

        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(1));
        await writing.CommitAsync();
        Assert.That(await bench.CountAsync("deleted"), Is.Zero);
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.messages WHERE chat_id = 11"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_chat_that_gets_its_first_message_between_the_look_and_the_lock_stays()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 1, -5);
        // messages becomes a view whose second reader, the statement that locks, stops in its midst: what is committed
        // from then on it does not see.
        await bench.Database.ExecuteAsync(
            """
            INSERT INTO public.messages (chat_id, role, content) VALUES (1, 'user', 'another chat''s');
            ALTER TABLE public.messages RENAME TO all_messages;
            CREATE SEQUENCE readers;
            CREATE FUNCTION stop_the_second() RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN IF nextval('readers') = 2 THEN PERFORM pg_advisory_lock(7); END IF; RETURN true; END $$;
            CREATE VIEW public.messages AS SELECT * FROM public.all_messages WHERE stop_the_second();
            DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET enable_indexscan = off', current_database());
                        EXECUTE format('ALTER DATABASE %I SET enable_bitmapscan = off', current_database()); END $$;
            """);
        await using var user = await bench.Database.OpenAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("SELECT pg_advisory_lock(7)", user)) await hold.ExecuteNonQueryAsync();

        var run = bench.CountAsync("deleted");
        await bench.WaitForWaiterAsync();
        await bench.Database.ExecuteAsync("INSERT INTO public.all_messages (chat_id, role, content) VALUES (10, 'user', 'hi')");
        await user.CloseAsync();

        Assert.That(await run, Is.Zero);
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.chats WHERE id = 10"), Is.EqualTo(1));
    }
}

public sealed class PurgeSupersededMaterializationsTests() : PurgeRules("purge-superseded-materializations", "public.leaderboard_materializations", TimeSpan.FromDays(7),
    """
    INSERT INTO public.organisations (id, slug, name, ingest_key) VALUES (1, 'a', 'A', 'a') ON CONFLICT DO NOTHING;
    INSERT INTO public.leaderboard_materializations (organisation_id, entity_type, ranking, computed_at, superseded_at) VALUES (1, 'user', '[]', @at, @at)
    """)
{
    protected override string OwnFunction => "public.purge_superseded_materializations(timestamptz)";

    [Test]
    public async Task The_current_one_stays_whatever_its_age()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 2, -5);
        await bench.Database.ExecuteAsync("UPDATE public.leaderboard_materializations SET superseded_at = NULL WHERE id = 1");

        Assert.That(await bench.CountAsync("deleted"), Is.EqualTo(1));
        Assert.That(await CountAsync(bench), Is.EqualTo(1));
    }
}
