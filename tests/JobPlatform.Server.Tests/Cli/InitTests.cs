namespace JobPlatform.Server.Tests.Cli;

public sealed class InitTests
{
    [Test]
    public async Task Init_prepares_an_empty_database_and_a_second_one_changes_nothing()
    {
        await using var cli = await CommandLineFixture.CreateEmptyAsync();

        var first = await cli.RunAsync("init");
        Assert.That(first.ExitCode, Is.Zero, first.Errors);
        var secrets = await File.ReadAllTextAsync(cli.SecretsPath);
        var jobs = await cli.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_versions");
        Assert.That(jobs, Is.Positive);

        var second = await cli.RunAsync("init");
        Assert.Multiple(() =>
        {
            Assert.That(second.ExitCode, Is.Zero, second.Errors);
            Assert.That(second.Output, Does.Contain("Migrations: nothing to do.").And.Contain("Secrets: set already.")
                .And.Contain("Jobs: nothing to do.").And.Contain("Schedules: nothing to do."));
            Assert.That(File.ReadAllText(cli.SecretsPath), Is.EqualTo(secrets));
        });
        Assert.That(await cli.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.job_versions"), Is.EqualTo(jobs));
    }

    [Test]
    public async Task A_handler_that_lacks_a_setting_gets_a_disabled_job_and_check_names_the_setting_once_it_is_enabled()
    {
        await using var cli = await CommandLineFixture.CreateWithSampleAsync();
        var init = await cli.RunAsync("init");
        await cli.RunAsync("jobs", "enable", "sync-stripe");
        var without = await cli.RunAsync("check");
        cli.Environment["STRIPE_SECRET_KEY"] = "sk_test_of_nobody_at_all";
        var with = await cli.RunAsync("check");

        Assert.Multiple(() =>
        {
            Assert.That(init.Output, Does.Contain("sync-stripe is disabled: STRIPE_SECRET_KEY missing.").And.Not.Contain("cleanup-sessions"), init.Errors);
            Assert.That(without.Output, Does.Contain("The job 'sync-stripe' cannot run: STRIPE_SECRET_KEY not set. Set it, or disable the job."), without.Errors);
            Assert.That(with.Output, Does.Not.Contain("'sync-stripe' cannot run"), with.Errors);
        });
    }

    [Test]
    public async Task Secrets_are_for_the_owner_only_and_lines_that_are_there_stay()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        const string before = "# mine\nCRON_SECRET=\"kept-4Zt8Lq2Xw9Bn6Vc1Md5Fg7Hj3Ks0\"\nOTHER=1";
        await File.WriteAllTextAsync(cli.SecretsPath, before);

        var result = await cli.RunAsync("init");

        var after = await File.ReadAllTextAsync(cli.SecretsPath);
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.Zero, result.Errors);
            Assert.That(after, Does.Match($"^{before}\nJOBS_SECRET_KEY=[A-Za-z0-9_-]{{43}}\n$"));
            Assert.That(result.Output, Does.Not.Contain(after[^44..].Trim()), "a secret must not be shown");
            if (!OperatingSystem.IsWindows())
                Assert.That(File.GetUnixFileMode(cli.SecretsPath), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(Directory.GetFiles(cli.Folder), Has.Length.EqualTo(1), "no temporary file is left");
        });
    }

    [Test]
    public async Task A_given_connection_is_kept_when_there_is_none_and_read_from_there_afterwards()
    {
        await using var cli = await CommandLineFixture.CreateEmptyAsync();
        cli.Environment["ConnectionStrings__Platform"] = null;

        var init = await cli.RunAsync("init", "--connection", cli.Database.ConnectionString);
        var list = await cli.RunAsync("jobs", "list", "--json");

        Assert.Multiple(() =>
        {
            Assert.That(init.ExitCode, Is.Zero, init.Errors);
            Assert.That(list.ExitCode, Is.Zero, list.Errors);
        });
    }

    [Test]
    public async Task Without_a_terminal_and_a_connection_it_says_what_is_missing_and_does_nothing()
    {
        await using var cli = await CommandLineFixture.CreateEmptyAsync();
        cli.Environment["ConnectionStrings__Platform"] = null;

        var result = await cli.RunAsync("init");

        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(5));
            Assert.That(result.Errors, Does.StartWith("ConnectionStrings__Platform: it is not set."));
            Assert.That(File.Exists(cli.SecretsPath), Is.False);
        });
    }

    [Test]
    public async Task What_an_operator_changed_stays_and_schedules_without_a_job_go()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.RunAsync("init");
        await cli.Database.ExecuteAsync(
            """
            UPDATE jobplatform.jobs SET is_enabled = false, cron_expression = '1 1 * * *' WHERE name = 'purge-logs';
            INSERT INTO jobplatform.schedules (job_id, job_name, job_version, cron_expression, time_zone, misfire_policy)
            VALUES (4711, 'gone', 1, '* * * * *', 'UTC', 'one');
            """);

        var result = await cli.RunAsync("init");

        Assert.That(result.Output, Does.Contain("1 without a job purged"));
        Assert.That(await cli.Database.ScalarAsync<long>("SELECT count(*) FROM jobplatform.schedules WHERE job_name IN ('gone', 'purge-logs')"), Is.Zero);
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT cron_expression FROM jobplatform.jobs WHERE name = 'purge-logs' AND NOT is_enabled"),
            Is.EqualTo("1 1 * * *"));
    }

    [Test, Platform(Exclude = "Win", Reason = "Windows has no file modes.")]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task A_secrets_file_that_others_may_read_is_warned_of_with_the_remedy()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await File.WriteAllTextAsync(cli.SecretsPath, "OTHER=1\n");
        File.SetUnixFileMode(cli.SecretsPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var result = await cli.RunAsync("jobs", "list");

        Assert.That(result.Errors, Does.Contain($"chmod 600 {cli.SecretsPath}"));
    }
}
