namespace JobPlatform.Server.Tests.Cli;

public sealed class KilledSenderTests
{
    [Test]
    public async Task When_a_server_is_killed_while_it_sends_its_run_goes_on_elsewhere_and_no_mail_is_lost()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await using var mail = await MailServer.StartAsync();
        cli.Environment["SMTP_URL"] = $"smtp://127.0.0.1:{mail.Port}";
        cli.Environment["MAIL_FROM"] = "jobs@sender.example";
        cli.Environment["LEASE_SECONDS"] = "3";
        await cli.Database.AddJobAsync("mail", "process-pending-emails", """config = '{"connections": 1}'""");
        await cli.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, run_at)
            SELECT CASE WHEN n = 6 THEN 'held' ELSE 'plain' || n END || '@example.com', 'Mail ' || n, 'Hi', now() + n * interval '1 millisecond' - interval '1 minute'
              FROM generate_series(1, 20) n
            """);

        var first = cli.Serve();
        var run = await cli.Database.ScalarAsync<Guid>("SELECT jobplatform.enqueue_job('mail')");
        for (var i = 0; i < 6; i++) await mail.WaitForContentAsync();
        await first.DisposeAsync();
        await mail.ReleaseAsync();
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(status || ' ' || n, ', ' ORDER BY status) FROM (SELECT status, count(*) n FROM jobplatform.pending_emails GROUP BY status) s"),
            Is.EqualTo("processing 15, sent 5"));
        // As if a quarter of an hour had passed.
        await cli.Database.ExecuteAsync("UPDATE jobplatform.pending_emails SET claimed_at = claimed_at - interval '16 minutes' WHERE status = 'processing'");
        await using var second = cli.Serve();
        await mail.WaitForContentAsync();
        await mail.ReleaseAsync();
        var tail = await cli.RunAsync("runs", "tail", $"{run}");
        Assert.That(tail.ExitCode, Is.Zero, tail.Output + tail.Errors);

        var kept = (await mail.KillAsync()).GroupBy(one => one.To).ToDictionary(group => group.Key, group => group.ToList());
        Assert.Multiple(() =>
        {
            Assert.That(kept, Has.Count.EqualTo(20));
            Assert.That(kept.Where(pair => pair.Value.Count > 1).Select(pair => pair.Key), Is.SubsetOf((string[])["held@example.com"]), "the one under way");
            Assert.That(kept["held@example.com"].Select(one => one.Id).Distinct().Count(), Is.EqualTo(1), "with the same Message-ID");
        });
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(DISTINCT status || ' ' || attempts, ', ') FROM jobplatform.pending_emails WHERE id > 5"), Is.EqualTo("sent 2"));
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT attempt || ' ' || rescues FROM jobplatform.job_runs"), Is.EqualTo("2 1"));
    }
}
