using JobPlatform.Core.Runs;
using Npgsql;

namespace JobPlatform.Engine.Tests;

public sealed class EnqueueTests(EngineKind engine) : EngineTests(engine)
{
    [Test]
    public async Task A_run_that_was_enqueued_in_a_transaction_that_rolled_back_never_existed()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "nothing", "overlap_policy = 'allow'");
        await using var platform = await StartAsync(database.ConnectionString);
        await using var connection = await database.OpenAsync();

        var rolledBack = await EnqueueAsync(connection, commit: false);
        var committed = await EnqueueAsync(connection, commit: true);

        Assert.That((await platform.WaitForEndAsync(committed)).Trigger, Is.EqualTo(RunTrigger.Sql));
        Assert.That(await platform.Runs.FindAsync(rolledBack), Is.Null);
        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs"), Is.EqualTo(1));
    }

    [Test]
    public async Task Fifty_at_once_with_one_dedup_key_make_one_run()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("sync", "nothing");
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => platform.Enqueuer.EnqueueAsync(
            new RunRequest { JobName = "sync", Trigger = RunTrigger.Api, DedupKey = "company-7" })));

        var ids = answers.Select(answer => answer switch
        {
            RunAnswer.Enqueued { RunId: var id } => id,
            RunAnswer.Existing { RunId: var id } => id,
            _ => Guid.Empty,
        }).Distinct().ToList();
        Assert.That(ids, Has.Count.EqualTo(1));
        Assert.That(answers.OfType<RunAnswer.Enqueued>().Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_dedup_key_is_free_again_when_its_run_has_ended()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("sync", "nothing");
        await using var platform = await StartAsync(database.ConnectionString);
        var request = new RunRequest { JobName = "sync", Trigger = RunTrigger.Api, DedupKey = "company-7" };

        var first = (RunAnswer.Enqueued)await platform.Enqueuer.EnqueueAsync(request);
        await platform.WaitForEndAsync(first.RunId);

        Assert.That(await platform.Enqueuer.EnqueueAsync(request), Is.InstanceOf<RunAnswer.Enqueued>());
    }

    [Test]
    public async Task An_idempotency_key_means_the_same_run_for_ever_and_refuses_another_request()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "ends");
        await using var platform = await StartAsync(database.ConnectionString);
        var request = new RunRequest { JobName = "greet", Trigger = RunTrigger.Api, IdempotencyKey = "k1" };

        var first = (RunAnswer.Enqueued)await platform.Enqueuer.EnqueueAsync(request);
        await platform.WaitForEndAsync(first.RunId);

        Assert.That(await platform.Enqueuer.EnqueueAsync(request), Is.EqualTo(new RunAnswer.Existing(first.RunId)));
        var other = request with { Payload = System.Text.Json.JsonElement.Parse("""{"text": "other"}""") };
        Assert.That(await platform.Enqueuer.EnqueueAsync(other), Is.InstanceOf<RunAnswer.KeyReused>());
    }

    [Test]
    public async Task What_cannot_run_is_refused_with_the_way_out_and_leaves_no_row()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "ends");
        await database.AddJobAsync("off", "nothing", "is_enabled = false");
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);
        Task<RunAnswer> Ask(string job, string? payload = null) => platform.Enqueuer.EnqueueAsync(new RunRequest
        {
            JobName = job, Trigger = RunTrigger.Api, Payload = payload is null ? null : System.Text.Json.JsonElement.Parse(payload),
        });

        Assert.That(((RunAnswer.UnknownJob)await Ask("gret")).Message, Does.Contain("Did you mean greet?"));
        Assert.That(await Ask("off"), Is.InstanceOf<RunAnswer.Disabled>());
        var faults = ((RunAnswer.InvalidPayload)await Ask("greet", """{"how": "badly", "tex": 1}""")).Faults;
        Assert.That(string.Join('\n', faults), Is.EqualTo(
            "how: \"badly\" is not one of success, fail, fail_for_good, throw, snooze, safety_stop, nul_output, huge_output, speak, half_characters.\n" +
            "tex: there is no such field. Did you mean text? Known: how, text."));
        Assert.That(await Ask("greet", "[1]"), Is.InstanceOf<RunAnswer.InvalidPayload>());
        Assert.That(await Ask("greet", """{"text": "\u0000"}"""), Is.InstanceOf<RunAnswer.InvalidPayload>());
        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs"), Is.Zero);
    }

    [Test]
    public async Task A_definition_that_changed_since_the_last_request_is_the_one_that_counts()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "ends");
        await using var platform = await StartAsync(database.ConnectionString, runsJobs: false);
        await platform.EnqueueAsync("greet", new { text = "one" });

        await database.ExecuteAsync("UPDATE jobplatform.jobs SET handler = 'nothing', queue = 'slow'");
        var answer = await platform.Enqueuer.EnqueueAsync(new RunRequest
        {
            JobName = "greet", Trigger = RunTrigger.Api, Payload = System.Text.Json.JsonElement.Parse("""{"text": "two"}"""),
        });

        Assert.That(answer, Is.InstanceOf<RunAnswer.InvalidPayload>());
        await platform.EnqueueAsync("greet");
        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs WHERE queue = 'slow'"), Is.EqualTo(2));
    }

    [TestCase("SELECT jobplatform.enqueue_job('no-such-job')", "no job is called")]
    [TestCase("SELECT jobplatform.enqueue_job('off')", "is disabled")]
    [TestCase("SELECT jobplatform.enqueue_job('greet', '[1]')", "is not an object")]
    [TestCase("SELECT jobplatform.enqueue_email('nobody', 'Hi', p_text => 'x')", "is not one e-mail address")]
    [TestCase("SELECT jobplatform.enqueue_email(repeat('a', 310) || '@example.com', 'Hi', p_text => 'x')", "p_to: it has 322 characters")]
    [TestCase("SELECT jobplatform.enqueue_email('ada@example.com', repeat('x', 999), p_text => 'x')", "p_subject: it has 999 characters")]
    [TestCase("SELECT jobplatform.enqueue_email('ada@example.com', E'Hi\\nBcc: eve@example.com', p_text => 'x')", "p_subject: it is empty or has a line break")]
    [TestCase("SELECT jobplatform.enqueue_email('ada@example.com', 'Hi')", "both are missing")]
    [TestCase("SELECT jobplatform.enqueue_email('ada@example.com', 'Hi', p_text => 'x', p_from => E'a@example.com\\nBcc: eve@example.com')", "p_from: it has a line break")]
    [TestCase("SELECT jobplatform.enqueue_email('ada@example.com', 'Hi', p_text => 'x', p_from => 'Ada')", "p_from: \"Ada\" is not an e-mail address")]
    [TestCase("SELECT jobplatform.enqueue_email('ada@example.com', 'Hi', p_text => 'x', p_max_attempts => 40000)", "p_max_attempts: 40000 is not a number from 1 to 100")]
    [TestCase("SELECT jobplatform.enqueue_email('ada@example.com', 'Hi', p_text => 'x', p_dedup_key => '')", "p_dedup_key: it has 0 characters")]
    public async Task The_sql_functions_refuse_bad_input_with_a_hint(string sql, string message)
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "nothing");
        await database.AddJobAsync("off", "nothing", "is_enabled = false");

        var refusal = (await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync(sql)))!;

        Assert.That(refusal.MessageText, Does.Contain(message));
        Assert.That(refusal.Hint, Is.Not.Empty);
    }

    [Test]
    public async Task An_application_may_enqueue_and_nothing_else()
    {
        await using var database = await TestDatabase.CreateAsync();
        await database.AddJobAsync("greet", "nothing");
        await using var connection = await database.OpenAsync();
        await ExecuteAsync(connection, "SET ROLE jobplatform_app");

        await ExecuteAsync(connection, "SELECT jobplatform.enqueue_job('greet', '{}', now(), 'k')");
        await ExecuteAsync(connection, "SELECT jobplatform.enqueue_email('ada@example.com', 'Hi', p_text => 'x')");

        foreach (var sql in new[]
                 {
                     "SELECT * FROM jobplatform.jobs", "SELECT * FROM jobplatform.pending_emails",
                     "SELECT jobplatform.claim_pending_emails(1)", "SELECT jobplatform.purge_admin_logs(now(), 1)",
                 })
            Assert.That(() => ExecuteAsync(connection, sql), Throws.TypeOf<PostgresException>().With.Property("SqlState").EqualTo("42501"), sql);
    }

    [Test]
    public async Task The_service_cannot_rewrite_the_audit_log()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var connection = await database.OpenAsync();
        await ExecuteAsync(connection, "SET ROLE jobplatform_service");
        await ExecuteAsync(connection, "INSERT INTO jobplatform.admin_logs (actor, action, created_at) VALUES ('a', 'b', now() - interval '100 days')");

        Assert.That(() => ExecuteAsync(connection, "UPDATE jobplatform.admin_logs SET actor = 'c'"), Throws.TypeOf<PostgresException>());
        Assert.That(() => ExecuteAsync(connection, "DELETE FROM jobplatform.admin_logs"), Throws.TypeOf<PostgresException>());
        await ExecuteAsync(connection, "SELECT jobplatform.purge_admin_logs(now() - interval '90 days', 10)");
        Assert.That(await database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.admin_logs"), Is.Zero);
    }

    private static async Task<Guid> EnqueueAsync(NpgsqlConnection connection, bool commit)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("SELECT jobplatform.enqueue_job('greet')", connection, transaction);
        var id = (Guid)(await command.ExecuteScalarAsync())!;
        if (commit) await transaction.CommitAsync();
        else await transaction.RollbackAsync();
        return id;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
