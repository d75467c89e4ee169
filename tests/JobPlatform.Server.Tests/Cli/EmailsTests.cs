using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace JobPlatform.Server.Tests.Cli;

public sealed class EmailsTests
{
    private const string Rows =
        """
        INSERT INTO jobplatform.pending_emails (to_address, subject, html_body, status, attempts, last_error)
        SELECT 'user' || n || '@example.com', 'Mail ' || n, 'the-body', CASE WHEN n = 2 THEN 'failed' ELSE 'pending' END, 5, 'no luck' FROM generate_series(1, 5) n
        """;

    [Test]
    public async Task Mails_are_listed_newest_first_page_by_page_and_without_their_bodies()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.ExecuteAsync(Rows);

        var first = await cli.RunAsync("emails", "list", "--limit", "3", "--json");
        var second = await cli.RunAsync("emails", "list", "--before", "3", "--json");
        var failed = await cli.RunAsync("emails", "list", "--status", "failed");
        var unknown = await cli.RunAsync("emails", "list", "--status", "faild");

        Assert.Multiple(() =>
        {
            Assert.That(Ids(first), Is.EqualTo((long[])[5, 4, 3]));
            Assert.That(Ids(second), Is.EqualTo((long[])[2, 1]));
            Assert.That(first.Output, Does.Not.Contain("the-body").And.Contain("\"status\": \"pending\""));
            Assert.That(failed.Output, Does.Contain("user2@example.com").And.Contain("no luck").And.Not.Contain("user1@"));
            Assert.That(unknown.ExitCode, Is.EqualTo(2));
            Assert.That(unknown.Errors, Does.Contain("'faild' is not one of pending, processing, sent, failed, canceled. Did you mean failed?"));
        });
    }

    [Test]
    public async Task Retry_and_cancel_change_a_mail_in_the_right_state_and_are_audited()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.Database.ExecuteAsync(Rows);

        var retried = await cli.RunAsync("emails", "retry", "2");
        var canceled = await cli.RunAsync("emails", "cancel", "1");
        var refused = await cli.RunAsync("emails", "retry", "3");
        var unknown = await cli.RunAsync("emails", "cancel", "77");

        Assert.Multiple(() =>
        {
            Assert.That(retried.Output, Is.EqualTo("The mail 2 to user2@example.com is pending again.\n"), retried.Errors);
            Assert.That(canceled.Output, Is.EqualTo("The mail 1 to user1@example.com is canceled.\n"), canceled.Errors);
            Assert.That((refused.ExitCode, refused.Errors), Is.EqualTo((2, "The mail 3 is pending: only a failed or canceled mail can be retried.\n")));
            Assert.That((unknown.ExitCode, unknown.Errors), Is.EqualTo((2, "There is no mail 77. 'jobplatform emails list' shows the newest.\n")));
        });
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(id || ' ' || status || ' ' || attempts, ', ' ORDER BY id) FROM jobplatform.pending_emails WHERE id < 3"),
            Is.EqualTo("1 canceled 5, 2 pending 0"));
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', split_part(actor, ':', 1), action, subject), ', ' ORDER BY id) FROM jobplatform.admin_logs"),
            Is.EqualTo("cli email.retry 2, cli email.cancel 1"));
    }

    [Test]
    public async Task The_sink_keeps_each_mail_as_a_file_until_it_is_told_to_stop()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        var folder = Path.Combine(cli.Folder, "mail");
        using var sink = cli.Start(["sink", "--port", "0", "--folder", folder]);
        var line = (await sink.StandardOutput.ReadLineAsync())!;
        var port = int.Parse(line.Split(' ')[2].Split(':')[2], CultureInfo.InvariantCulture);

        var replies = await TalkAsync(port, "EHLO test", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA", "Subject: one\r\n\r\n..\r\n...dots\r\n.",
            "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>", "DATA", "Subject: two\r\n\r\nsecond\r\n.", "WHAT", "QUIT");
        using var terminate = Process.Start("kill", ["-TERM", $"{sink.Id}"]);
        await sink.WaitForExitAsync();

        Assert.That(replies.Select(reply => reply[..3]), Is.EqualTo((string[])["220", "250", "250", "250", "354", "250", "250", "250", "354", "250", "502", "221"]));
        Assert.That(Directory.GetFiles(folder).Order().Select(File.ReadAllText),
            Is.EqualTo((string[])["Subject: one\r\n\r\n.\r\n..dots\r\n", "Subject: two\r\n\r\nsecond\r\n"]));
        Assert.That(sink.ExitCode, Is.Zero);
    }

    // The last line of each reply, the greeting first.
    private static async Task<List<string>> TalkAsync(int port, params string[] commands)
    {
        using var client = new TcpClient("127.0.0.1", port);
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { AutoFlush = true, NewLine = "\r\n" };
        var replies = new List<string>();
        foreach (var command in commands.Prepend(null))
        {
            if (command is not null) await writer.WriteLineAsync(command);
            string line;
            do line = (await reader.ReadLineAsync())!;
            while (line[3] == '-');
            replies.Add(line);
        }
        return replies;
    }

    private static IEnumerable<long> Ids(CliResult result) => result.Json.EnumerateArray().Select(email => email.GetProperty("id").GetInt64());
}
