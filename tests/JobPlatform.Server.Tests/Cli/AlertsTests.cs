namespace JobPlatform.Server.Tests.Cli;

public sealed class AlertsTests
{
    [Test]
    public async Task Alerts_are_listed_and_kept_quiet_for_a_while()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.AddJobAsync("nightly", "test-job");
        await cli.Database.ExecuteAsync("INSERT INTO jobplatform.alerts (key, kind, title, message, opened_at, closed_at) VALUES ('a', 'mail_stuck', 'Mail is not sent', 'm', now(), NULL), ('b', 'missed_run', 'It is over', 'm', now(), now())");

        Assert.That((await cli.RunAsync("alerts", "list", "--json")).Json.EnumerateArray().Select(alert => alert.GetProperty("title").GetString()), Is.EqualTo((string[])["Mail is not sent"]));
        Assert.That((await cli.RunAsync("alerts", "list", "--all")).Output, Does.Contain("It is over"));
        Assert.That((await cli.RunAsync("alerts", "silence", "60", "--job", "nightly", "--reason", "new disk")).ExitCode, Is.Zero);
        Assert.That((await cli.RunAsync("alerts", "silence", "120", "--cron", "0 2 * * SUN", "--time-zone", "Europe/Berlin")).ExitCode, Is.Zero);
        var refused = await cli.RunAsync("alerts", "silence", "60", "--job", "nightli");
        Assert.That((refused.ExitCode, refused.Errors.Trim()), Is.EqualTo((2, "There is no job 'nightli'.")));
        var silences = (await cli.RunAsync("alerts", "silences")).Output;
        Assert.That(silences, Does.Contain("nightly").And.Contain("new disk").And.Contain("120 min from 0 2 * * SUN (Europe/Berlin)"));
        Assert.That((await cli.RunAsync("alerts", "unsilence", "1")).ExitCode, Is.Zero);
        Assert.That((await cli.RunAsync("alerts", "silences", "--json")).Json.GetArrayLength(), Is.EqualTo(1));
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(action, ' ' ORDER BY id) FROM jobplatform.admin_logs"), Is.EqualTo("silence.created silence.created silence.deleted"));
    }

    [Test]
    public async Task Health_asks_the_server_and_says_by_its_exit_code_whether_it_is_ready()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        cli.Environment["URLS"] = "http://127.0.0.1:1";
        Assert.That((await cli.RunAsync("health")).ExitCode, Is.EqualTo(1));
        await using var node = await ServerNode.StartAsync(cli);

        var ready = await cli.RunAsync("health", "--url", $"http://+:{node.Http.BaseAddress!.Port}");

        Assert.That(ready.ExitCode, Is.Zero, ready.Errors);
        Assert.That(ready.Output, Does.Contain("ready"));
    }
}
