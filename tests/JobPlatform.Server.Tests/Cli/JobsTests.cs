namespace JobPlatform.Server.Tests.Cli;

public sealed class JobsTests
{
    [Test]
    public async Task Jobs_are_listed_as_a_table_without_decoration_and_as_json()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.AddJobAsync("b-job", "test-job", "cron_expression = '0 2 * * *'");
        await cli.Database.AddJobAsync("a-job", "test-job", "is_enabled = false");

        var table = await cli.RunAsync("jobs", "list");
        var json = await cli.RunAsync("jobs", "list", "--json");

        var jobs = json.Json.EnumerateArray().ToList();
        Assert.Multiple(() =>
        {
            Assert.That(table.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(3));
            Assert.That(table.Output, Does.Contain("a-job").And.Contain("disabled").And.Not.Contain('\u001b').And.Not.Contain('─').And.Not.Contain('│'));
            Assert.That(string.Join(' ', jobs.ConvertAll(job => job.GetProperty("name").GetString())), Is.EqualTo("a-job b-job"));
            Assert.That(jobs[1].GetProperty("cron_expression").GetString(), Is.EqualTo("0 2 * * *"));
            Assert.That(jobs[0].GetProperty("is_enabled").GetBoolean(), Is.False);
        });
    }

    [Test]
    public async Task A_run_is_enqueued_once_for_a_dedup_key_and_names_who_asked()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.AddJobAsync("echo", "test-job");

        var first = await cli.RunAsync("jobs", "run", "echo", "--payload", """{"message":"hi"}""", "--dedup-key", "k");
        var second = await cli.RunAsync("jobs", "run", "echo", "--dedup-key", "k");
        var run = (await cli.RunAsync("runs", "show", first.Output.Trim()[..18], "--json")).Json;

        Assert.Multiple(() =>
        {
            Assert.That(second.Output, Is.EqualTo(first.Output));
            Assert.That(second.Errors, Does.Contain("lives already"));
            Assert.That(run.GetProperty("id").GetString(), Is.EqualTo(first.Output.Trim()));
            Assert.That(run.GetProperty("triggered_by").GetString(), Is.EqualTo($"cli:{System.Environment.UserName}"));
            Assert.That(run.GetProperty("trigger").GetString(), Is.EqualTo("manual"));
            Assert.That(run.GetProperty("payload").GetProperty("message").GetString(), Is.EqualTo("hi"));
        });
    }

    [Test]
    public async Task Enabling_and_disabling_is_noted_with_its_actor()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.AddJobAsync("echo", "test-job");

        var result = await cli.RunAsync("jobs", "disable", "echo");

        Assert.That(result.Output, Is.EqualTo("echo is disabled (version 2).\n"));
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT changed_by FROM jobplatform.job_versions WHERE version = 2"),
            Is.EqualTo($"cli:{System.Environment.UserName}"));
    }

    [Test]
    public async Task A_wait_ends_with_the_runs_output_on_standard_output_and_its_ending_as_exit_code()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.AddJobAsync("echo", "test-job");
        await cli.Database.AddJobAsync("fails", "test-fail-job", "max_attempts = 1");
        await using var server = cli.Serve();

        var good = await cli.RunAsync("jobs", "run", "echo", "--payload", """{"message":"hi there"}""", "--wait");
        var bad = await cli.RunAsync("jobs", "run", "fails", "--wait=60s");
        var badId = (await cli.RunAsync("runs", "list", "--status", "failed", "--json")).Json[0].GetProperty("id").GetString()!;
        var retried = await cli.RunAsync("runs", "retry", badId, "--wait");

        Assert.Multiple(() =>
        {
            Assert.That(good.ExitCode, Is.Zero, good.Errors);
            Assert.That(good.Json.GetProperty("message").GetString(), Is.EqualTo("hi there"));
            Assert.That(good.Errors, Does.Match(@"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d hi there$"), "the log line");
            Assert.That(bad.ExitCode, Is.EqualTo(1));
            Assert.That(bad.Output, Is.Empty);
            Assert.That(bad.Errors, Does.Contain("This job always fails."));
            Assert.That(retried.ExitCode, Is.EqualTo(1));
        });
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT retry_of::text FROM jobplatform.job_runs WHERE trigger = 'retry'"), Is.EqualTo(badId));
    }

    [Test]
    public async Task A_wait_that_is_over_and_a_canceled_run_have_exit_codes_of_their_own()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.AddJobAsync("echo", "test-job");

        var waited = await cli.RunAsync("jobs", "run", "echo", "--wait=1s");
        var id = (await cli.RunAsync("runs", "list", "--json")).Json[0].GetProperty("id").GetString()!;
        var early = await cli.RunAsync("runs", "retry", id);
        var canceled = await cli.RunAsync("runs", "cancel", id);
        var tail = await cli.RunAsync("runs", "tail", id);
        var again = await cli.RunAsync("runs", "cancel", id);

        Assert.Multiple(() =>
        {
            Assert.That(waited.ExitCode, Is.EqualTo(4));
            Assert.That(waited.Errors, Does.Contain("No worker is alive"));
            Assert.That(early.ExitCode, Is.EqualTo(2));
            Assert.That(early.Errors, Does.Contain("only an ended run can be retried"));
            Assert.That(canceled.ExitCode, Is.Zero);
            Assert.That(tail.ExitCode, Is.EqualTo(3));
            Assert.That(again.ExitCode, Is.EqualTo(2));
        });
    }

    [Test]
    public async Task Handlers_are_listed_with_their_gate_and_missing_tables()
    {
        await using var cli = await CommandLineFixture.CreateAsync();

        var handlers = (await cli.RunAsync("handlers", "list", "--json")).Json.EnumerateArray().ToDictionary(handler => handler.GetProperty("key").GetString()!);

        Assert.That(handlers["test-job"].GetProperty("gate").GetString(), Is.EqualTo("ENVIRONMENT=Development"));
        Assert.That(handlers["test-job"].GetProperty("is_open").GetBoolean(), Is.True);
        Assert.That(handlers["cleanup-sessions"].GetProperty("missing_tables")[0].GetString(), Is.EqualTo("public.chat_sessions"));
    }
}
