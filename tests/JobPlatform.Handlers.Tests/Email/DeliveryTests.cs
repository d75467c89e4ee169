using Dapper;
using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Tests.Email;

public sealed class DeliveryTests
{
    [Test]
    public async Task A_thousand_mails_by_four_overlapping_runs_arrive_once_each_whatever_the_server_does()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync(new { mailsPerConnection = 40 });
        await room.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, html_body, run_at)
            SELECT (CASE WHEN kind < 5 THEN 'busy2' WHEN kind < 8 THEN 'lost1' WHEN kind < 11 THEN 'kept1' WHEN kind < 13 THEN 'cut1'
                         WHEN kind < 15 THEN 'gone' WHEN kind < 20 THEN 'slow20' ELSE 'plain' END) || '.' || n || '@example.com',
                   'Mail ' || n, 'text', '<p>html</p>', @now FROM generate_series(1, 1000) n, LATERAL (SELECT n * 37 % 100 AS kind) k
            """, new { now = room.Clock.GetUtcNow() });
        var nodes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => room.StartNodeAsync(Mailroom.To(server.Port))));

        for (var pass = 0; pass < 6; pass++)
        {
            foreach (var ending in await Task.WhenAll(nodes.Select(node => node.RunAsync("""{"batch_size": 40}"""))))
                Assert.That(ending.Status, Is.EqualTo(RunStatus.Success), ending.Error);
            room.Clock.Advance(TimeSpan.FromMinutes(15));
        }

        var kept = (await server.KillAsync()).GroupBy(mail => mail.To).ToDictionary(group => group.Key, group => group.ToList());
        var rows = await room.RowsAsync();
        Assert.Multiple(() =>
        {
            Assert.That(rows.Count(row => row.Status == "sent"), Is.EqualTo(980));
            Assert.That(rows.Count(row => row.Status == "failed"), Is.EqualTo(20), "the mailboxes that are gone");
            Assert.That(kept, Has.Count.EqualTo(980));
            Assert.That(kept.Values.Where(mails => mails.Count != 1).Select(mails => mails[0].To), Has.All.StartsWith("kept1"));
            Assert.That(kept.Where(pair => pair.Key.StartsWith("kept1", StringComparison.Ordinal)).Select(pair => pair.Value.Count), Has.All.EqualTo(2),
                "a line lost after the server kept the mail: sent again");
            Assert.That(kept.Values.Select(mails => mails.Select(mail => mail.Id).Distinct().Count()), Has.All.EqualTo(1), "with the same Message-ID");
            Assert.That(kept.Values.Select(mails => mails[0].Id).Order(), Is.EqualTo(rows.Where(row => row.Status == "sent").Select(row => $"{row.MessageId}@sender.example").Order()));
        });
    }

    [Test]
    public async Task A_mail_that_is_refused_for_now_is_tried_after_1_3_9_15_and_15_minutes_and_then_has_failed()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        var id = await room.AddAsync("busy@example.com", "max_attempts = 6");
        var node = await room.StartNodeAsync(Mailroom.To(server.Port));

        var delays = new List<double>();
        for (var attempt = 1; attempt <= 5; attempt++)
        {
            Assert.That((await node.RunAsync()).Counts(), Is.EqualTo("0 1 0 0"));
            var row = await room.RowAsync(id);
            Assert.That((row.Status, row.Attempts), Is.EqualTo(("pending", attempt)));
            delays.Add((row.RunAt - room.Clock.GetUtcNow()).TotalMinutes);
            room.Clock.Set(row.RunAt - TimeSpan.FromSeconds(1));
            Assert.That((await node.RunAsync()).Counts(), Is.EqualTo("0 0 0 0"), "it is not due yet");
            room.Clock.Advance(TimeSpan.FromSeconds(1));
        }
        var last = await node.RunAsync();

        Assert.That(delays, Is.EqualTo((double[])[1, 3, 9, 15, 15]));
        Assert.That(last.Counts(), Is.EqualTo("0 0 1 0"));
        var failed = await room.RowAsync(id);
        Assert.That((failed.Status, failed.Attempts), Is.EqualTo(("failed", 6)));
        Assert.That(failed.LastError, Is.EqualTo("The mail server refused the recipient: 451 4.3.0 try again"));
    }

    [TestCase("gone@example.com", "The mail server refused the recipient: 550 5.1.1 no such mailbox")]
    [TestCase("rejected@example.com", "The mail server refused the mail: 554 5.6.0 content refused")]
    public async Task A_permanent_refusal_fails_its_mail_at_once_and_no_other(string address, string error)
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        var refused = await room.AddAsync(address);
        var next = await room.AddAsync("ada@example.com");

        Assert.That((await room.RunAsync(Mailroom.To(server.Port))).Counts(), Is.EqualTo("1 0 1 0"));

        var row = await room.RowAsync(refused);
        Assert.That((row.Status, row.Attempts, row.LastError), Is.EqualTo(("failed", 1, error)));
        var sent = await room.RowAsync(next);
        Assert.That((sent.Status, sent.SentAt), Is.EqualTo(("sent", room.Clock.GetUtcNow())));
    }

    [Test]
    public async Task What_cannot_be_sent_fails_with_a_sentence_and_stops_no_other()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync(new { size = 5000 });
        await room.Database.ExecuteAsync(
            """
            ALTER TABLE jobplatform.pending_emails DROP CONSTRAINT pending_emails_subject_check;
            ALTER TABLE jobplatform.pending_emails DROP CONSTRAINT pending_emails_to_address_check;
            """);
        (string Column, string Sentence)[] cases =
        [
            (@"subject = E'Hi\r\nBcc: eve@example.com'", "subject: it has a line break, which would begin a header of its own. Give one line."),
            (@"from_address = E'a@example.com\nBcc: eve@example.com'", "from_address: it has a line break, which would begin a header of its own. Give one line."),
            (@"to_address = E'a@example.com>\r\nRCPT TO:<eve@example.com'", "to_address: it has a line break, which would begin a header of its own. Give one line."),
            ("from_address = 'nobody'", "from_address: 'nobody' is not an e-mail address."),
            ("message_id = 'a b>'", "message_id: 'a b>' has characters that a Message-ID cannot have. Use letters, digits, dots and dashes."),
            ("text_body = repeat('x', 5000)", "The mail has 5,"),
        ];
        var ids = new List<long>();
        foreach (var (column, _) in cases) ids.Add(await room.AddAsync("ada@example.com", column));
        await room.AddAsync("grace@example.com");

        Assert.That((await room.RunAsync(Mailroom.To(server.Port))).Counts(), Is.EqualTo("1 0 6 0"));

        var rows = await room.RowsAsync();
        Assert.Multiple(() =>
        {
            for (var i = 0; i < cases.Length; i++) Assert.That(rows.Single(row => row.Id == ids[i]).LastError, Does.StartWith(cases[i].Sentence));
        });
        Assert.That((await server.KillAsync()).Select(mail => mail.To), Is.EqualTo((string[])["grace@example.com"]));
    }

    [Test]
    public async Task A_mail_whose_sender_died_is_sent_by_another_after_15_minutes()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        var id = await room.AddAsync("ada@example.com");
        await room.Database.ExecuteAsync("SELECT jobplatform.claim_pending_emails(1, @now)", new { now = room.Clock.GetUtcNow() });
        var node = await room.StartNodeAsync(Mailroom.To(server.Port));

        room.Clock.Advance(TimeSpan.FromMinutes(15));
        Assert.That((await node.RunAsync()).Counts(), Is.EqualTo("0 0 0 0"));
        room.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await node.RunAsync()).Counts(), Is.EqualTo("1 0 0 0"));

        var row = await room.RowAsync(id);
        Assert.That((row.Status, row.Attempts), Is.EqualTo(("sent", 2)));
    }

    [Test]
    public async Task A_mail_that_was_sent_and_could_not_be_marked_is_not_given_back()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        var sent = await room.AddAsync("ada@example.com");
        var next = await room.AddAsync("grace@example.com");
        await room.Database.ExecuteAsync($"ALTER TABLE jobplatform.pending_emails ADD CONSTRAINT unmarkable CHECK (id <> {sent} OR status <> 'sent')");
        var node = await room.StartNodeAsync(Mailroom.To(server.Port));

        var broken = await node.RunAsync("""{"connections": 1}""");
        await node.RunAsync("""{"connections": 1}""");

        Assert.That(broken.Message(), Does.Contain("unmarkable"));
        Assert.That((await server.KillAsync()).Select(mail => mail.To), Is.EqualTo((string[])["ada@example.com", "grace@example.com"]), "no mail twice");
        var row = await room.RowAsync(sent);
        Assert.That((row.Status, row.Attempts), Is.EqualTo(("processing", 1)), "its claim lapses after 15 minutes");
        Assert.That((await room.RowAsync(next)).Status, Is.EqualTo("sent"));
    }

    [Test]
    public async Task A_mail_whose_senders_died_at_every_attempt_has_failed()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        var id = await room.AddAsync("ada@example.com", "attempts = 5");

        Assert.That((await room.RunAsync(Mailroom.To(server.Port))).Counts(), Is.EqualTo("0 0 1 0"));

        Assert.That((await room.RowAsync(id)).LastError, Does.StartWith("It was taken 5 times"));
        Assert.That(await server.KillAsync(), Is.Empty);
    }

    [Test]
    public async Task A_run_that_is_told_to_stop_finishes_the_mail_under_way_and_gives_the_rest_back()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        var first = await room.AddAsync("held@example.com");
        for (var i = 0; i < 9; i++) await room.AddAsync($"plain{i}@example.com");
        var node = await room.StartNodeAsync(Mailroom.To(server.Port));

        var running = node.RunAsync("""{"connections": 1}""");
        await server.WaitForContentAsync();
        node.Control.Stop(StopReason.Draining);
        await server.ReleaseAsync();
        var ending = await running;

        Assert.That((ending.Status, ending.CountsAttempt), Is.EqualTo((RunStatus.Queued, false)));
        var rows = await room.RowsAsync();
        Assert.That((await room.RowAsync(first)).Status, Is.EqualTo("sent"));
        Assert.That(rows.Where(row => row.Id != first).Select(row => (row.Status, row.Attempts)), Has.Exactly(9).EqualTo(("pending", (short)0)));
        Assert.That(await server.KillAsync(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_mail_that_the_server_is_still_storing_20_seconds_after_the_stop_is_tried_again()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        var id = await room.AddAsync("held@example.com");
        var node = await room.StartNodeAsync(Mailroom.To(server.Port));

        var running = node.RunAsync();
        await server.WaitForContentAsync();
        node.Control.Stop(StopReason.Draining);
        // The handler hears of the stop on a thread of its own, and only then sets its timer.
        while (!running.IsCompleted)
        {
            room.Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None));
        }
        await running;

        var row = await room.RowAsync(id);
        Assert.That((row.Status, row.Attempts), Is.EqualTo(("pending", 1)));
        Assert.That(row.LastError, Does.Contain("may have arrived"));
    }

    [Test]
    public async Task One_run_sends_no_more_than_max_mails()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        for (var i = 0; i < 30; i++) await room.AddAsync($"plain{i}@example.com");

        Assert.That((await room.RunAsync(Mailroom.To(server.Port), """{"max_mails": 7, "batch_size": 8}""")).Counts(), Is.EqualTo("7 0 0 0"));

        Assert.That((await room.RowsAsync()).Count(row => row.Status == "pending"), Is.EqualTo(23));
    }
}
