using Npgsql;

namespace JobPlatform.Server.Tests.Cli;

public sealed class KilledDeletionTests
{
    private static readonly string[] Steps = ["collect", "subscription", "data", "blobs", "users", "notice", "evidence"];

    [Test]
    public async Task A_server_that_is_killed_in_each_step_of_an_account_deletion_in_turn_leaves_nothing_undone_and_does_nothing_twice()
    {
        await using var cli = await CommandLineFixture.CreateWithSampleAsync();
        await using var stripe = await StripeStub.StartAsync();
        cli.Environment["STRIPE_SECRET_KEY"] = StripeStub.Key;
        cli.Environment["STRIPE_API_URL"] = stripe.Url.ToString();
        cli.Environment["BLOB_URL"] = $"file://{Directory.CreateDirectory(Path.Combine(cli.Folder, "blobs")).FullName}";
        cli.Environment["LEASE_SECONDS"] = "3";
        await cli.Database.AddJobAsync("deletions", "process-account-deletions", "overlap_policy = 'queue'");
        await cli.Database.ExecuteAsync(
            """
            INSERT INTO public.users (id, email, full_name) SELECT n, 'user' || n || '@example.com', 'User ' || n FROM generate_series(1, 8) n;
            INSERT INTO public.accounts (id, name, owner_id, stripe_customer_id) SELECT n, 'Account ' || n, n, 'cus_' || n FROM generate_series(1, 8) n;
            INSERT INTO public.account_members SELECT n, n FROM generate_series(1, 8) n;
            INSERT INTO public.chats (user_id, model) SELECT n, 'm' FROM generate_series(1, 8) n;
            CREATE TABLE kill_at (request bigint, step text);
            CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM public.kill_at k WHERE k.request = NEW.request_id AND k.step = NEW.step) THEN PERFORM pg_advisory_xact_lock(7); END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER hold BEFORE UPDATE OF finished_at ON public.account_deletion_steps FOR EACH ROW EXECUTE FUNCTION hold();
            """);
        for (var n = 1; n <= 8; n++) stripe.Put(new($"sub_{n}", $"cus_{n}"), tells: false);
        await using var holder = await cli.Database.OpenAsync();
        await using (var hold = new NpgsqlCommand("SELECT pg_advisory_lock(7)", holder)) await hold.ExecuteNonQueryAsync();

        foreach (var (index, step) in Steps.Index())
        {
            await cli.Database.ExecuteAsync(
                """
                INSERT INTO public.account_deletion_requests (id, account_id, requested_at) VALUES (@request, @request, now() - interval '31 days');
                INSERT INTO public.kill_at VALUES (@request, @step);
                SELECT jobplatform.enqueue_job('deletions')
                """, new { request = index + 1, step });
            var server = cli.Serve();
            // The effect of the step is there, and its record waits to be written.
            await WaitAsync(cli, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database())");
            await server.DisposeAsync();
            await cli.Database.ExecuteAsync(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database(); DELETE FROM public.kill_at");
        }
        await using var last = cli.Serve();
        await WaitAsync(cli, "SELECT count(*) = 7 FROM public.account_deletion_requests WHERE finished_at IS NOT NULL");

        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(id::text, ' ') FROM public.users"), Is.EqualTo("8"));
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(DISTINCT step, ' ') FROM public.account_deletion_steps WHERE finished_at IS NOT NULL"),
            Is.EqualTo(string.Join(' ', Steps.Order(StringComparer.Ordinal))), "all steps there are");
        Assert.That(stripe.Requests.Where(request => request.Method == "DELETE").Select(request => request.Path), Is.EqualTo(Enumerable.Range(1, 7).Select(n => $"/v1/subscriptions/sub_{n}")));
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(to_address, ' ' ORDER BY to_address) FROM jobplatform.pending_emails WHERE 'account-deletion' = ANY(tags)"),
            Is.EqualTo(string.Join(' ', Enumerable.Range(1, 7).Select(n => $"user{n}@example.com"))));
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(concat_ws('/', counts->>'chats', counts->>'users', counts->>'accounts'), ' ') FROM jobplatform.erasure_evidence"),
            Is.EqualTo(string.Join(' ', Enumerable.Repeat("1/1/1", 7))));
        Assert.That(await cli.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.admin_logs WHERE action = 'account.erased'"), Is.EqualTo(7));
    }

    private static async Task WaitAsync(CommandLineFixture cli, string condition)
    {
        await using var connection = await cli.Database.OpenAsync();
        await using var look = new NpgsqlCommand(condition, connection);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!(bool)(await look.ExecuteScalarAsync(limit.Token))!) await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
    }
}
