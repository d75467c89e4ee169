namespace JobPlatform.Server.Tests.Cli;

public sealed class SettingsTests
{
    [Test]
    public async Task A_new_secret_is_all_that_is_printed_and_another_one_each_time()
    {
        await using var cli = await CommandLineFixture.CreateAsync();

        var first = await cli.RunAsync("secrets", "new");
        var second = await cli.RunAsync("secrets", "new");

        Assert.That(first.Output, Does.Match(@"^[A-Za-z0-9_-]{43}\n$").And.Not.EqualTo(second.Output));
    }

    [Test]
    public async Task The_environment_wins_over_the_file_and_all_faults_are_named_with_exit_code_5()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        cli.Environment["ConnectionStrings__Platform"] = null;
        await File.WriteAllTextAsync(cli.SecretsPath, $"ConnectionStrings__Platform='{cli.Database.ConnectionString}'\nPOLL_SECONDS=99\nLEASE_SECONDS=x\n");
        var both = await cli.RunAsync("jobs", "list");
        cli.Environment["POLL_SECONDS"] = "1";
        var one = await cli.RunAsync("jobs", "list");
        cli.Environment["LEASE_SECONDS"] = "15";
        var none = await cli.RunAsync("jobs", "list");

        Assert.Multiple(() =>
        {
            Assert.That(both.ExitCode, Is.EqualTo(5));
            Assert.That(both.Errors, Does.Contain("POLL_SECONDS: '99'").And.Contain("LEASE_SECONDS: 'x'"));
            Assert.That(one.Errors, Does.Not.Contain("POLL_SECONDS").And.Contain("LEASE_SECONDS: 'x'"));
            Assert.That(none.ExitCode, Is.Zero, none.Errors);
        });
    }

    [Test]
    public async Task A_line_of_secrets_that_cannot_be_read_is_named_by_its_number_and_not_shown()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await File.WriteAllTextAsync(cli.SecretsPath, "# fine\n\nsomething-secret\n");

        var result = await cli.RunAsync("jobs", "list");

        Assert.That(result.ExitCode, Is.EqualTo(5));
        Assert.That(result.Errors, Does.Contain("line 3").And.Not.Contain("something-secret"));
    }

    [Test]
    public async Task A_database_that_does_not_answer_or_is_not_prepared_is_exit_code_5_and_a_sentence()
    {
        await using var cli = await CommandLineFixture.CreateEmptyAsync();
        var unprepared = await cli.RunAsync("jobs", "list");
        cli.Environment["ConnectionStrings__Platform"] = "Host=127.0.0.1;Port=1;Username=x;Password=topsecret123;Database=x";
        var unreachable = await cli.RunAsync("jobs", "list");

        Assert.Multiple(() =>
        {
            Assert.That(unprepared.ExitCode, Is.EqualTo(5));
            Assert.That(unprepared.Errors, Does.Contain("run 'jobplatform init'").And.Not.Contain("   at "));
            Assert.That(unreachable.ExitCode, Is.EqualTo(5));
            Assert.That(unreachable.Errors, Does.StartWith("The database does not answer").And.Not.Contain("   at ").And.Not.Contain("topsecret123"));
        });
    }

    [Test]
    public async Task Sample_data_enables_what_waited_for_it_and_starts_each_job_once_only()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.RunAsync("init");
        var folder = Path.Combine(TestCluster.RepositoryRoot, "deploy", "sample");
        var enabled = "SELECT is_enabled FROM jobplatform.jobs WHERE name = 'cleanup-sessions'";
        Assert.That(await cli.Database.ScalarAsync<bool>(enabled), Is.False, "its table is not there yet");

        var first = await cli.RunAsync("sample", "load", folder, "--scale", "0.01");
        var second = await cli.RunAsync("sample", "load", folder, "--scale", "0.01");

        Assert.That(first.ExitCode, Is.Zero, first.Errors);
        Assert.That(second.ExitCode, Is.Zero, second.Errors);
        Assert.That(second.Output, Is.EqualTo("Sample: there already.\n"));
        Assert.That(await cli.Database.ScalarAsync<bool>(enabled), Is.True);
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(name, ', ' ORDER BY name) FROM jobplatform.jobs j WHERE is_enabled " +
            "AND (SELECT count(*) FROM jobplatform.job_runs r WHERE r.job_id = j.id AND triggered_by = 'first-start') <> (cron_expression IS NOT NULL)::int"), Is.Null,
            "each job with a schedule once");
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(name, ', ' ORDER BY name) FROM jobplatform.jobs j WHERE is_enabled " +
            "AND NOT EXISTS (SELECT FROM jobplatform.job_runs r WHERE r.job_id = j.id)"), Is.EqualTo("recompute-leaderboard, sync-directory"), "what nothing but the API starts");
    }
}
