using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Blobs;
using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Blobs;
using JobPlatform.Handlers.Deletions;
using JobPlatform.Handlers.Tests.Billing;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Deletions;

public sealed class AccountDeletionTests
{
    private static readonly string[] Counted = ["users", "accounts", "chats", "messages", "blobs", "stripe_subscriptions", "subscriptions"];

    [Test]
    public async Task A_due_account_goes_with_all_that_is_its_own_and_nothing_of_others()
    {
        await using var home = await Home.CreateAsync();
        await home.RequestAsync(1, daysAgo: 31);

        var output = (await home.Bench.RunAsync()).OutputJson();

        Assert.That(output.ToString(), Is.EqualTo("""{"deleted":1,"left":0,"failed":[]}"""));
        Assert.That(await home.StateAsync(), Is.EqualTo(Home.Erased));
        Assert.That(await home.Bench.MailsAsync(), Is.EqualTo("user1@example.com: Ihr Konto wurde gelöscht"));
        Assert.That(home.Stripe.Rows.Single(row => row.Id == "sub_1").Status, Is.EqualTo("canceled"));
        Assert.That(home.Stripe.Rows.Single(row => row.Id == "sub_2").Status, Is.EqualTo("active"));
        Assert.That(home.Stripe.Requests.Where(request => request.Method == "DELETE").Select(request => request.Headers["Idempotency-Key"]), Has.One.EndsWith("-cancel-sub_1"));
    }

    [Test]
    public async Task The_evidence_tells_counts_and_times_and_no_person_and_the_audit_log_has_one_row()
    {
        await using var home = await Home.CreateAsync();
        await home.RequestAsync(1, daysAgo: 31);
        await home.Bench.RunAsync();

        var evidence = (await home.Bench.Database.ScalarAsync<string>("SELECT request_id || ' ' || (requested_at IS NOT NULL) || ' ' || counts FROM jobplatform.erasure_evidence"))!;

        Assert.That(evidence, Does.StartWith("account-deletion:1 true "));
        var counts = JsonElement.Parse(evidence[evidence.IndexOf('{', StringComparison.Ordinal)..]);
        Assert.That(string.Join(' ', Counted.Select(name => $"{name} {counts.GetProperty(name)}")), Is.EqualTo("users 1 accounts 1 chats 2 messages 4 blobs 2 stripe_subscriptions 1 subscriptions 1"));
        Assert.That(evidence, Does.Not.Contain("example.com").And.Not.Contain("User 1"));
        Assert.That(await home.Bench.Database.ScalarAsync<string>("SELECT string_agg(action || ' ' || subject, ',') FROM jobplatform.admin_logs"), Is.EqualTo("account.erased account-deletion:1"));
        Assert.That(await home.Bench.Database.ScalarAsync<string>("SELECT concat_ws(' ', notice IS NULL, finished_at IS NOT NULL, (SELECT count(*) FROM public.account_deletion_parts)) FROM public.account_deletion_requests"), Is.EqualTo("t t 0"));
    }

    // The last is after the last step: nothing is left but to close the request.
    [TestCaseSource(typeof(AccountErasure), nameof(AccountErasure.Steps))]
    public async Task Killed_before_a_step_is_recorded_as_done_the_next_run_goes_on_to_the_same_end(string step)
    {
        await using var home = await Home.CreateAsync();
        await home.RequestAsync(1, daysAgo: 31);
        await home.DieAsync(step, "UPDATE OF finished_at");

        await home.Bench.RunAsync();
        Assert.That(await home.Bench.Database.ScalarAsync<bool>("SELECT finished_at IS NULL FROM public.account_deletion_requests"), Is.True, "it was stopped");
        await home.LiveAsync();
        await home.Bench.RunAsync();

        await home.AssertErasedOnceAsync();
    }

    [TestCaseSource(typeof(AccountErasure), nameof(AccountErasure.Steps))]
    public async Task Killed_as_a_step_begins_the_next_run_goes_on_to_the_same_end(string step)
    {
        await using var home = await Home.CreateAsync();
        await home.RequestAsync(1, daysAgo: 31);
        await home.DieAsync(step, "INSERT");

        await home.Bench.RunAsync();
        await home.LiveAsync();
        await home.Bench.RunAsync();

        await home.AssertErasedOnceAsync();
    }

    [Test]
    public async Task Killed_in_the_midst_of_the_data_it_goes_on_and_the_counts_are_right()
    {
        await using var home = await Home.CreateAsync();
        await home.RequestAsync(1, daysAgo: 31);
        await home.Bench.DieInSecondBatchAsync("public.messages");

        await home.Bench.RunAsync("""{"batch_size": 1}""");
        await home.Bench.RunAsync("""{"batch_size": 1}""");

        await home.AssertErasedOnceAsync();
    }

    [Test]
    public async Task One_that_fails_does_not_stop_the_others_and_is_reported_and_the_next_runs()
    {
        await using var home = await Home.CreateAsync();
        await home.RequestAsync(1, daysAgo: 40);
        await home.RequestAsync(3, daysAgo: 31);
        home.Stripe.Fail(1, 400);

        var failed = await home.Bench.RunAsync();

        Assert.That(failed.Status, Is.EqualTo(RunStatus.Failed));
        Assert.That(failed.ErrorMessage(), Is.EqualTo("1 of 2 accounts could not be deleted; the next run goes on with them."));
        Assert.That(failed.Output, Does.Contain("\"deleted\":1").And.Contain("\"request\":1,\"error\":\"Stripe refuses the request (400)"));
        Assert.That(await home.Bench.Database.ScalarAsync<string>("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.accounts"), Is.EqualTo("1 2"));
        Assert.That(await home.Bench.Database.ScalarAsync<string>("SELECT failures || ' ' || left(last_error, 6) FROM public.account_deletion_requests WHERE id = 1"), Is.EqualTo("1 Stripe"));
        Assert.That((await home.Bench.RunAsync()).Output, Is.EqualTo("""{"deleted":1,"left":0,"failed":[]}"""));
        Assert.That(await home.Bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.pending_emails"), Is.EqualTo(2));
    }

    [Test]
    public async Task One_that_is_not_due_was_withdrawn_or_is_being_deleted_elsewhere_is_left_alone()
    {
        await using var home = await Home.CreateAsync();
        await home.RequestAsync(1, daysAgo: 29);
        await home.RequestAsync(2, daysAgo: 31);
        await home.Bench.Database.ExecuteAsync("UPDATE public.account_deletion_requests SET withdrawn_at = now() WHERE account_id = 2");
        await home.RequestAsync(3, daysAgo: 31);
        await using var other = await home.Bench.Database.OpenAsync();
        await using var hold = new Npgsql.NpgsqlCommand("SELECT pg_advisory_lock(hashtextextended('account-deletion:3', 0))", other);
        await hold.ExecuteNonQueryAsync();

        Assert.That((await home.Bench.RunAsync()).Output, Is.EqualTo("""{"deleted":0,"left":1,"failed":[]}"""));
        Assert.That(await home.Bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.accounts"), Is.EqualTo(3));
    }

    [Test]
    public async Task A_dry_run_counts_and_changes_nothing()
    {
        await using var home = await Home.CreateAsync();
        await home.RequestAsync(1, daysAgo: 31);
        var before = await home.StateAsync();

        var output = (await home.Bench.RunAsync("""{"dry_run": true}""")).OutputJson();

        Assert.That((output.GetProperty("would_delete").GetInt32(), output.GetProperty("rows").GetProperty("messages").GetInt32(), output.GetProperty("rows").GetProperty("users").GetInt32()), Is.EqualTo((1, 4, 1)));
        Assert.That(await home.StateAsync(), Is.EqualTo(before));
        Assert.That(home.Stripe.Requests, Is.Empty);
        Assert.That(await home.Bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.account_deletion_parts"), Is.Zero);
    }

    [Test]
    public async Task Of_an_organisation_those_members_go_who_belong_nowhere_else()
    {
        await using var home = await Home.CreateAsync();
        // User 2 owns another account, user 4 has none but this.
        await home.Bench.Database.ExecuteAsync(
            """
            UPDATE public.accounts SET kind = 'organisation', name = 'Acme' WHERE id = 1;
            INSERT INTO public.users (id, email, full_name) VALUES (4, 'user4@example.com', 'User 4');
            INSERT INTO public.account_members VALUES (1, 2), (1, 4);
            """);
        await home.RequestAsync(1, daysAgo: 31);

        await home.Bench.RunAsync();

        Assert.That(await home.Bench.Database.ScalarAsync<string>("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.users"), Is.EqualTo("2 3"));
        Assert.That(await home.Bench.MailsAsync(), Is.EqualTo("user1@example.com: Ihre Organisation Acme wurde gelöscht"));
    }

    /// <summary>Three accounts with chats, messages, blobs and subscriptions; the first wants to go. Its owner reads German.</summary>
    private sealed class Home : IAsyncDisposable
    {
        public const string Erased = "users 2 3; accounts 2 3; chats 3 4 5 6; messages 8; blobs chats/1/shared.txt chats/3/a.txt; subscriptions 2; payments 1:; ai 1";

        private readonly string _folder = Directory.CreateTempSubdirectory("jobplatform-deletions-").FullName;

        public HandlerBench Bench { get; private set; } = null!;

        public StripeStub Stripe { get; private set; } = null!;

        public static async Task<Home> CreateAsync()
        {
            var home = new Home { Stripe = await StripeStub.StartAsync() };
            home.Bench = await BillingBench.CreateAsync("process-account-deletions", home.Stripe, time: TimeProvider.System, configure: services => services
                .AddSingleton<IBlobStore>(new FolderBlobs(home._folder)).AddSingleton<AccountErasure>().AddSingleton<AuditLog>());
            await home.Bench.AddAccountsAsync(3, locale: "de");
            foreach (var path in new[] { "chats/1/a.txt", "chats/1/shared.txt", "chats/2/b.txt", "chats/3/a.txt" })
            {
                Directory.CreateDirectory(Path.Combine(home._folder, Path.GetDirectoryName(path)!));
                await File.WriteAllTextAsync(Path.Combine(home._folder, path), "text");
            }
            home.Stripe.Put(new("sub_1", "cus_1"), tells: false);
            home.Stripe.Put(new("sub_2", "cus_2"), tells: false);
            await home.Bench.Database.ExecuteAsync(
                """
                INSERT INTO public.chats (id, user_id, model) SELECT n, 1 + (n - 1) / 2, 'm' FROM generate_series(1, 6) n;
                INSERT INTO public.messages (id, chat_id, role, content) SELECT n, 1 + (n - 1) / 2, 'user', 'hi' FROM generate_series(1, 12) n;
                -- The blob of user 1 that user 2 has in a copied chat stays.
                INSERT INTO public.message_attachments (message_id, blob_path) VALUES (1, 'chats/1/a.txt'), (1, 'chats/1/shared.txt'), (3, 'chats/2/b.txt'), (5, 'chats/1/shared.txt'), (5, 'chats/3/a.txt');
                INSERT INTO public.push_subscriptions (user_id, endpoint, p256dh, auth) VALUES (1, 'https://push.example.com/1', 'k', 's');
                INSERT INTO public.auth_sessions (user_id, expires_at) VALUES (1, now());
                INSERT INTO public.workspaces (id, name, owner_id) VALUES (1, 'W', 2);
                INSERT INTO public.workspace_invitations (workspace_id, email, expires_at) VALUES (1, 'User1@example.com', now());
                INSERT INTO public.licenses (id, account_id, product, expires_at) VALUES (1, 1, 'p', now());
                INSERT INTO public.ai_requests (user_id, provider, model, status) VALUES (1, 'openai', 'm', 'succeeded');
                INSERT INTO public.payments (id, account_id, amount, currency, paid_at) VALUES (1, 1, 100, 'eur', now());
                INSERT INTO public.subscriptions (account_id, stripe_subscription_id, stripe_customer_id, status, plan, amount, currency, billing_interval, started_at)
                SELECT n, 'sub_' || n, 'cus_' || n, 'active', 'p', 100, 'eur', 'month', now() FROM generate_series(1, 2) n;
                """);
            return home;
        }

        public Task RequestAsync(int account, int daysAgo) => Bench.Database.ExecuteAsync(
            "INSERT INTO public.account_deletion_requests (id, account_id, requested_at) VALUES (@account, @account, now() - @daysAgo * interval '1 day')", new { account, daysAgo });

        /// <summary>What is there, in one line.</summary>
        public async Task<string> StateAsync() => (await Bench.Database.ScalarAsync<string>(
            """
            SELECT concat_ws('; ', 'users ' || (SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.users), 'accounts ' || (SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.accounts),
                   'chats ' || (SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.chats), 'messages ' || (SELECT count(*) FROM public.messages), @blobs,
                   'subscriptions ' || (SELECT string_agg(account_id::text, ' ') FROM public.subscriptions),
                   'payments ' || (SELECT count(*) || ':' || coalesce(max(account_id)::text, '') FROM public.payments), 'ai ' || (SELECT count(*) FROM public.ai_requests WHERE @all OR user_id IS NULL))
            """, new
            {
                all = await Bench.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM public.accounts WHERE id = 1)"),
                blobs = "blobs " + string.Join(' ', Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(_folder, path)).Order(StringComparer.Ordinal)),
            }))!;

        /// <summary>Lets the connection die that writes down the step, as a killed process does.</summary>
        public Task DieAsync(string step, string when) => Bench.Database.ExecuteAsync(
            $"""
            CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
            CREATE TRIGGER die AFTER {when} ON public.account_deletion_steps FOR EACH ROW WHEN (NEW.step = '{step}') EXECUTE FUNCTION die();
            """);

        public Task LiveAsync() => Bench.Database.ExecuteAsync("DROP TRIGGER die ON public.account_deletion_steps");

        public async Task AssertErasedOnceAsync()
        {
            Assert.That(await StateAsync(), Is.EqualTo(Erased));
            Assert.That(await Bench.MailsAsync(), Is.EqualTo("user1@example.com: Ihr Konto wurde gelöscht"), "one mail");
            Assert.That(Stripe.Requests.Count(request => request.Method == "DELETE"), Is.EqualTo(1), "ended once");
            Assert.That(await Bench.Database.ScalarAsync<string>("SELECT (SELECT count(*) FROM jobplatform.erasure_evidence) || ' ' || (SELECT count(*) FROM jobplatform.admin_logs)"), Is.EqualTo("1 1"));
            Assert.That(await Bench.Database.ScalarAsync<string>("SELECT concat_ws(' ', counts->>'messages', counts->>'chats', counts->>'users') FROM jobplatform.erasure_evidence"), Is.EqualTo("4 2 1"));
        }

        public async ValueTask DisposeAsync()
        {
            await Bench.DisposeAsync();
            await Stripe.DisposeAsync();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
