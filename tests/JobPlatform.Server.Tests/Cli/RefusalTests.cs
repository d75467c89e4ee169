namespace JobPlatform.Server.Tests.Cli;

/// <summary>Requests that change nothing, and therefore share a database.</summary>
public sealed class RefusalTests
{
    private CommandLineFixture _cli = null!;

    [OneTimeSetUp]
    public async Task MakeDatabase()
    {
        _cli = await CommandLineFixture.CreateAsync();
        await _cli.Database.AddJobAsync("echo", "test-job");
        await _cli.Database.AddJobAsync("off", "test-job", "is_enabled = false");
    }

    [OneTimeTearDown]
    public async Task DropDatabase() => await _cli.DisposeAsync();

    [TestCase("There is no job 'ehco'. Did you mean echo?", "jobs", "run", "ehco")]
    [TestCase("There is no job 'ehco'. Did you mean echo?", "jobs", "show", "ehco")]
    [TestCase("There is no job 'ehco'. Did you mean echo?", "jobs", "enable", "ehco")]
    [TestCase("There is no job 'ehco'. Did you mean echo?", "jobs", "explain", "ehco")]
    [TestCase("There is no job 'ehco'. Did you mean echo?", "runs", "list", "--job", "ehco")]
    [TestCase("The job 'off' is disabled.", "jobs", "run", "off")]
    [TestCase("--payload: it is not JSON", "jobs", "run", "echo", "--payload", "{nope")]
    [TestCase("--payload: payload: a JSON array", "jobs", "run", "echo", "--payload", "[]")]
    [TestCase("--payload: massage: there is no such field. Did you mean message?", "jobs", "run", "echo", "--payload", """{"massage":1}""")]
    [TestCase("--wait: 'long' is not a time", "jobs", "run", "echo", "--wait=long")]
    [TestCase("There is no run", "runs", "show", "01920000-0000-7000-8000-000000000000")]
    [TestCase("'xyz' is not a run's id", "runs", "cancel", "xyz")]
    [TestCase("--limit: '0' is not a whole number from 1 to 1000.", "runs", "list", "--limit", "0")]
    [TestCase("--status: 'faild' is not one of", "runs", "list", "--status", "faild")]
    [TestCase("'abc' is not a mail's id, a whole number. 'jobplatform emails list' shows ids.", "emails", "retry", "abc")]
    [TestCase("'-1' is not a mail's id", "emails", "cancel", "-1")]
    [TestCase("--before: 'x' is not a mail's id", "emails", "list", "--before", "x")]
    [TestCase("--port: 'x' is not a whole number from 0 to 65535.", "sink", "--folder", "mail", "--port", "x")]
    [TestCase("--port: '65536' is not a whole number from 0 to 65535.", "sink", "--folder", "mail", "--port", "65536")]
    [TestCase("Unrecognized command or argument 'nxt'. Did you mean next?", "cron", "nxt")]
    [TestCase("Unrecognized command or argument 'jbos'. Did you mean jobs?", "jbos")]
    [TestCase("'jobplatform jobs' needs a verb: list, show, explain, run, enable, disable.", "jobs")]
    public async Task A_request_that_is_wrong_is_refused_with_exit_code_2_and_a_sentence(string sentence, params string[] arguments)
    {
        var result = await _cli.RunAsync(arguments);

        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(2));
            Assert.That(result.Errors, Does.StartWith(sentence).And.Not.Contain("   at "));
            Assert.That(result.Output, Is.Empty);
        });
        Assert.That(await _cli.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_runs"), Is.Zero);
    }
}
