namespace JobPlatform.Server.Tests.Cli;

public sealed class CheckTests
{
    [Test]
    public async Task A_fresh_installation_has_no_faults()
    {
        await using var cli = await CommandLineFixture.CreateEmptyAsync();
        await cli.RunAsync("init");

        var result = await cli.RunAsync("check");

        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(result.Output, Does.Contain("No worker is alive").And.EndWith("No faults.\n"));
    }

    [Test]
    public async Task Faults_of_settings_and_of_every_job_are_listed_at_once()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        cli.Environment["POLL_SECONDS"] = "often";
        cli.Environment["DOTNET_ENVIRONMENT"] = "Production";
        cli.Environment["PUBLIC_URL"] = "http://localhost:5080";
        await cli.Database.AddJobAsync("no-handler", "purge-lgos");
        await cli.Database.AddJobAsync("bad-cron", "purge-logs", "cron_expression = '61 * * * *'");
        await cli.Database.AddJobAsync("bad-zone", "purge-logs", "cron_expression = '1 * * * *'", "time_zone = 'Europe/Berlni'");
        await cli.Database.AddJobAsync("bad-config", "purge-logs", """config = '{"dayz": 1}'""");
        await cli.Database.AddJobAsync("closed-gate", "test-job");
        await cli.Database.AddJobAsync("no-table", "cleanup-sessions");

        var result = await cli.RunAsync("check", "--json");

        var messages = result.Json.GetProperty("findings").EnumerateArray()
            .Select(finding => $"{finding.GetProperty("severity")} {finding.GetProperty("area")} {finding.GetProperty("message")}").ToList();
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(1));
            Assert.That(messages, Has.One.StartsWith("fault settings POLL_SECONDS: 'often'"));
            Assert.That(messages, Has.One.StartsWith("fault settings JOBS_SECRET_KEY:"));
            Assert.That(messages, Has.One.StartsWith("warning settings PUBLIC_URL:"));
            Assert.That(messages, Has.One.Contains("'no-handler'").And.Contains("Did you mean purge-logs?"));
            Assert.That(messages, Has.One.Contains("'bad-cron'").And.Contains("61"));
            Assert.That(messages, Has.One.Contains("'bad-zone'").And.Contains("Europe/Berlin"));
            Assert.That(messages, Has.One.Contains("'bad-config'").And.Contains("dayz"));
            Assert.That(messages, Has.One.Contains("'closed-gate'").And.Contains("ENVIRONMENT=Development"));
            Assert.That(messages, Has.One.Contains("'no-table'").And.Contains("public.chat_sessions"));
            Assert.That(result.Json.GetProperty("faults").GetInt32(), Is.EqualTo(messages.Count(message => message.StartsWith("fault", StringComparison.Ordinal))));
        });
    }

    [Test]
    public async Task Migrations_that_are_pending_or_were_changed_are_faults()
    {
        await using var empty = await CommandLineFixture.CreateEmptyAsync();
        var pending = await empty.RunAsync("check");
        await using var changed = await CommandLineFixture.CreateAsync();
        await changed.Database.ExecuteAsync("UPDATE jobplatform.migrations SET checksum = 'x' WHERE number = 1");
        var rewritten = await changed.RunAsync("check");

        Assert.Multiple(() =>
        {
            Assert.That(pending.ExitCode, Is.EqualTo(1));
            Assert.That(pending.Output, Does.Contain("run 'jobplatform migrate'"));
            Assert.That(rewritten.ExitCode, Is.EqualTo(1));
            Assert.That(rewritten.Output, Does.Contain("0001_jobs_and_runs was changed after it was applied"));
        });
    }

    [Test]
    public async Task A_database_that_does_not_answer_hides_no_other_fault()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        cli.Environment["ConnectionStrings__App"] = "Host=127.0.0.1;Port=1;Username=x;Password=topsecret123;Database=x";
        await cli.Database.AddJobAsync("no-handler", "purge-lgos");

        var result = await cli.RunAsync("check");

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Output, Does.Contain("ConnectionStrings__App: The database does not answer").And.Contain("'no-handler'").And.Not.Contain("topsecret123"));
    }
}
