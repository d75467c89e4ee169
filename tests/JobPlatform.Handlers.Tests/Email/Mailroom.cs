using System.Net.Mail;
using System.Text.Json;
using Dapper;
using JobPlatform.Core.Runs;
using JobPlatform.Core.Settings;
using JobPlatform.Handlers.Email;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Email;

/// <summary>A row's fate.</summary>
internal sealed record MailRow(long Id, string MessageId, string Status, short Attempts, DateTimeOffset RunAt, DateTimeOffset? SentAt, string? LastError);

/// <summary>A database with mails, a clock that stands still, and nodes that run the handler as the executor does.</summary>
internal sealed class Mailroom : IAsyncDisposable
{
    private readonly List<TestPlatform> _nodes = [];

    private Mailroom(TestDatabase database) => Database = database;

    public TestDatabase Database { get; }

    public FakeClock Clock { get; } = new();

    public static async Task<Mailroom> CreateAsync()
    {
        var room = new Mailroom(await TestDatabase.CreateAsync());
        await room.Database.AddJobAsync("mail", "process-pending-emails");
        return room;
    }

    public static SmtpSettings To(int port, string credentials = "", string options = "")
    {
        if (!SmtpServer.TryParse($"smtp://{credentials}127.0.0.1:{port}{options}", out var server, out var fault)) throw new ArgumentException(fault);
        return new(server, new MailAddress("jobs@sender.example", "Jobs"));
    }

    /// <summary>Adds a mail that is due; columns as <c>name = value</c> in SQL.</summary>
    public async Task<long> AddAsync(string to, params string[] columns)
    {
        var id = await Database.ScalarAsync<long>(
            "INSERT INTO jobplatform.pending_emails (to_address, subject, text_body, run_at) VALUES (@to, 'Hello', 'Hi there', @now) RETURNING id",
            new { to, now = Clock.GetUtcNow() });
        if (columns.Length > 0) await Database.ExecuteAsync($"UPDATE jobplatform.pending_emails SET {string.Join(", ", columns)} WHERE id = @id", new { id });
        return id;
    }

    public async Task<IReadOnlyList<MailRow>> RowsAsync()
    {
        await using var connection = await Database.OpenAsync();
        return (await connection.QueryAsync<MailRow>("SELECT id, message_id, status, attempts, run_at, sent_at, last_error FROM jobplatform.pending_emails ORDER BY id")).AsList();
    }

    public async Task<MailRow> RowAsync(long id) => (await RowsAsync()).Single(row => row.Id == id);

    /// <summary>A node of its own, with its own pool.</summary>
    public async Task<Node> StartNodeAsync(SmtpSettings settings)
    {
        var platform = await TestPlatform.StartAsync(Database.ConnectionString, Clock, runsJobs: false,
            handlers: typeof(ProcessPendingEmails).Assembly, configure: services => services
                .AddSingleton(settings).AddSingleton<RunJournal>().AddSingleton<Core.Alerts.JobPings>().AddSingleton<RunExecutor>());
        _nodes.Add(platform);
        return new Node(platform, Clock);
    }

    public async Task<RunEnding> RunAsync(SmtpSettings settings, string? payload = null) => await (await StartNodeAsync(settings)).RunAsync(payload);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        await Database.DisposeAsync();
    }

    internal sealed class Node(TestPlatform platform, FakeClock clock)
    {
        /// <summary>Stops the run under way.</summary>
        public RunControl Control { get; private set; } = new(clock);

        public async Task<RunEnding> RunAsync(string? payload = null)
        {
            using var control = Control = new RunControl(clock);
            var (ending, leftBehind) = await platform.Services.GetRequiredService<RunExecutor>().ExecuteAsync(new ClaimedRun
            {
                Id = Guid.CreateVersion7(), JobId = 1, JobVersion = int.MaxValue, Fence = 1, Attempt = 1, Rescues = 0, Trigger = RunTrigger.Manual,
                Forced = false, Limited = false, StartedAt = clock.GetUtcNow(), RunAt = clock.GetUtcNow(), Payload = payload,
            }, control);
            Assert.That(leftBehind, Is.Null, "the handler stops when it is told to");
            return ending;
        }
    }
}

internal static class RunEndings
{
    /// <summary>"sent retried failed returned" of a run's output.</summary>
    public static string Counts(this RunEnding ending)
    {
        Assert.That(ending.Status, Is.EqualTo(RunStatus.Success), ending.Error);
        var output = JsonElement.Parse(ending.Output!);
        return $"{output.GetProperty("sent")} {output.GetProperty("retried")} {output.GetProperty("failed")} {output.GetProperty("returned")}";
    }

    public static string Message(this RunEnding ending) => JsonElement.Parse(ending.Error!).GetProperty("message").GetString()!;
}
