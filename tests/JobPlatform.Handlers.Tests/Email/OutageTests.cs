using System.Net;
using System.Net.Sockets;
using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Tests.Email;

/// <summary>What is the server's fault costs no mail an attempt.</summary>
public sealed class OutageTests
{
    [Test]
    public async Task While_the_server_is_down_no_mail_is_touched_and_the_run_says_why()
    {
        await using var room = await Mailroom.CreateAsync();
        var id = await room.AddAsync("ada@example.com");

        var ending = await room.RunAsync(Mailroom.To(ClosedPort()));

        Assert.That(ending.Status, Is.EqualTo(RunStatus.Failed).Or.EqualTo(RunStatus.Retrying));
        Assert.That(ending.Message(), Does.StartWith("The mail server cannot be used: Connection refused").And.Contain("0 sent"));
        var row = await room.RowAsync(id);
        Assert.That((row.Status, row.Attempts), Is.EqualTo(("pending", 0)));
    }

    [TestCase("""{"refuseConnection": 421}""", "421 come back later", false)]
    [TestCase("""{"refuseConnection": 451}""", "451 come back later", false)]
    [TestCase("""{"refuseSender": 451}""", "refused the sender: 451", false)]
    [TestCase("""{"refuseSender": 553}""", "refused the sender: 553", true)]
    [TestCase("""{"user": "u", "password": "right"}""", "refused the login: 535 5.7.8 wrong credentials. Check user and password in SMTP_URL", true)]
    [TestCase("""{"user": "u", "password": "right", "authMethods": ["LOGIN"]}""", "refused the login: 535", true)]
    [TestCase("""{"user": "u", "password": "right", "authMethods": ["CRAM-MD5"]}""", "neither AUTH PLAIN nor AUTH LOGIN", true)]
    public async Task What_the_server_refuses_to_everybody_costs_no_attempt(string options, string sentence, bool forGood)
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync(System.Text.Json.JsonElement.Parse(options));
        for (var i = 0; i < 5; i++) await room.AddAsync("ada@example.com");

        var ending = await room.RunAsync(Mailroom.To(server.Port, options.Contains("user", StringComparison.Ordinal) ? "u:wr%40ng@" : ""), """{"batch_size": 4}""");

        Assert.That(ending.Message(), Does.Contain(sentence).And.Not.Contain("wr@ng"));
        Assert.That(ending.Status == RunStatus.Failed, Is.EqualTo(forGood));
        Assert.That((await room.RowsAsync()).Select(row => (row.Status, row.Attempts)), Has.All.EqualTo(("pending", (short)0)));
    }

    [Test]
    public async Task A_refused_sender_of_the_rows_own_fails_that_row_only()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync(new { refuseSender = 553 });
        var id = await room.AddAsync("ada@example.com", "from_address = 'Eve <eve@elsewhere.example>'");

        Assert.That((await room.RunAsync(Mailroom.To(server.Port))).Counts(), Is.EqualTo("0 0 1 0"));

        Assert.That((await room.RowAsync(id)).LastError, Does.Contain("553 5.7.1 not your address"));
    }

    [Test]
    public async Task A_demand_to_log_in_is_the_settings_fault_also_for_a_sender_of_the_rows_own()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync(new { refuseSender = 530 });
        var id = await room.AddAsync("ada@example.com", "from_address = 'Eve <eve@elsewhere.example>'");

        var ending = await room.RunAsync(Mailroom.To(server.Port));

        Assert.That(ending.Status, Is.EqualTo(RunStatus.Failed), ending.Output);
        Assert.That(ending.Message(), Does.StartWith("The mail server refused the sender: 530"));
        var row = await room.RowAsync(id);
        Assert.That((row.Status, row.Attempts), Is.EqualTo(("pending", 0)));
    }

    [Test]
    public async Task A_server_that_loses_every_line_stops_the_run_after_three_mails_a_connection()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        for (var i = 0; i < 20; i++) await room.AddAsync("cut@example.com");

        var ending = await room.RunAsync(Mailroom.To(server.Port), """{"connections": 1}""");

        Assert.That(ending.Message(), Does.StartWith("3 connections in a row were lost on their first mail."));
        var rows = await room.RowsAsync();
        Assert.That(rows.Count(row => row is { Status: "pending", Attempts: 1 }), Is.EqualTo(3));
        Assert.That(rows.Count(row => row is { Status: "pending", Attempts: 0 }), Is.EqualTo(17));
    }

    [Test]
    public async Task A_server_that_allows_fewer_connections_than_configured_still_gets_every_mail()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync(new { maxClients = 1 });
        for (var i = 0; i < 40; i++) await room.AddAsync($"plain{i}@example.com");

        Assert.That((await room.RunAsync(Mailroom.To(server.Port), """{"batch_size": 8}""")).Counts(), Is.EqualTo("40 0 0 0"));
    }

    [Test]
    public async Task A_server_that_says_421_at_a_mail_gets_that_mail_again_on_a_fresh_connection()
    {
        await using var room = await Mailroom.CreateAsync();
        await using var server = await MailServer.StartAsync();
        await room.AddAsync("plain@example.com");
        var id = await room.AddAsync("leaving1@example.com");
        await room.AddAsync("plain@example.com");

        Assert.That((await room.RunAsync(Mailroom.To(server.Port))).Counts(), Is.EqualTo("3 0 0 0"));

        Assert.That((await room.RowAsync(id)).Attempts, Is.EqualTo(1));
    }

    [Test]
    public async Task A_server_that_says_nothing_is_given_up_in_time()
    {
        await using var room = await Mailroom.CreateAsync();
        await room.Database.ExecuteAsync("UPDATE jobplatform.jobs SET timeout_seconds = 86400");
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var id = await room.AddAsync("ada@example.com");
        var node = await room.StartNodeAsync(Mailroom.To(((IPEndPoint)silent.LocalEndpoint).Port));

        var running = node.RunAsync();
        using var accepted = await silent.AcceptTcpClientAsync();
        // The limit begins when the handler knows of the connection, which is after the server does.
        while (await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System)) != running)
            room.Clock.Advance(TimeSpan.FromSeconds(45));

        Assert.That((await running).Message(), Does.StartWith("The mail server did not answer within 45 s (while connecting)."));
        Assert.That((await room.RowAsync(id)).Attempts, Is.Zero);
    }

    [Test]
    public async Task Without_SMTP_URL_a_run_succeeds_while_no_mail_waits_and_fails_for_good_when_one_does()
    {
        await using var room = await Mailroom.CreateAsync();
        var node = await room.StartNodeAsync(new(null, null));

        var idle = await node.RunAsync();
        var id = await room.AddAsync("ada@example.com");
        var waiting = await node.RunAsync();

        Assert.That(idle.Counts(), Is.EqualTo("0 0 0 0"));
        Assert.That((waiting.Status, (await room.RowAsync(id)).Status), Is.EqualTo((RunStatus.Failed, "pending")));
        Assert.That(waiting.Message(), Does.StartWith("SMTP_URL is not set, and 1 mails wait."));
    }

    [Test]
    public async Task A_reconnection_that_took_minutes_uses_up_the_claim_and_the_mail_is_claimed_anew()
    {
        await using var room = await Mailroom.CreateAsync();
        await room.Database.ExecuteAsync("UPDATE jobplatform.jobs SET timeout_seconds = 86400");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await room.AddAsync("ada@example.com");
        var second = await room.AddAsync("grace@example.com");
        var node = await room.StartNodeAsync(Mailroom.To(((IPEndPoint)listener.LocalEndpoint).Port, "u:p@"));
        var talk = Task.Run(async () =>
        {
            await AnswerAsync(listener, mailsUntil421: 1, () => { });
            await AnswerAsync(listener, mailsUntil421: int.MaxValue, () => room.Clock.Advance(TimeSpan.FromSeconds(44)));
        });

        var running = node.RunAsync("""{"connections": 1}""");
        await talk;

        Assert.That((await running).Counts(), Is.EqualTo("2 0 0 1"));
        Assert.That((await room.RowAsync(second)).Attempts, Is.EqualTo(1));
    }

    // A whole connection of a server that takes its time until somebody has logged in.
    private static async Task AnswerAsync(TcpListener listener, int mailsUntil421, Action takeTime)
    {
        using var client = await listener.AcceptTcpClientAsync();
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { AutoFlush = true, NewLine = "\r\n" };
        takeTime();
        await writer.WriteLineAsync("220 ready");
        while (await reader.ReadLineAsync() is { } command)
        {
            switch (command.Split(' ')[0])
            {
                case "EHLO":
                    takeTime();
                    await writer.WriteLineAsync("250-here\r\n250 AUTH PLAIN");
                    break;
                case "AUTH":
                    takeTime();
                    await writer.WriteLineAsync("235 welcome");
                    break;
                case "MAIL" when mailsUntil421-- == 0:
                    await writer.WriteLineAsync("421 enough for one connection");
                    return;
                case "DATA":
                    await writer.WriteLineAsync("354 go on");
                    while (await reader.ReadLineAsync() is not ".") { }
                    await writer.WriteLineAsync("250 kept");
                    break;
                default:
                    await writer.WriteLineAsync("250 fine");
                    break;
            }
        }
    }

    private static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
