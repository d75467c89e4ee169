using System.Text.Json;
using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using Npgsql;

namespace JobPlatform.Handlers.Tests.Events;

public sealed class EventTests
{
    private const string Emit = "SELECT jobplatform.emit_event('chat.deleted', '{\"chat_id\": 5}', @id)";

    [Test]
    public async Task An_event_becomes_a_run_of_each_enabled_job_that_subscribes_when_its_transaction_commits()
    {
        await using var bench = await StartAsync();
        await bench.Database.AddJobAsync("second", "delete-chat-blobs");
        await bench.Database.AddJobAsync("off", "delete-chat-blobs", "is_enabled = false");
        await bench.Database.AddJobAsync("other", "cleanup-sessions");
        await using var connection = await bench.Database.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var emit = new NpgsqlCommand(Emit, connection) { Parameters = { new("id", "e1") } }) await emit.ExecuteNonQueryAsync();

        var before = await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_runs");
        await transaction.CommitAsync();

        Assert.That(before, Is.Zero);
        Assert.That(await bench.Database.ScalarAsync<string>(
            """
            SELECT string_agg(concat_ws(' ', j.name, r.trigger, r.triggered_by, r.status, r.payload), ', ' ORDER BY j.name)
              FROM jobplatform.job_runs r JOIN jobplatform.jobs j ON j.id = r.job_id
            """), Is.EqualTo("""delete-chat-blobs event chat.deleted queued {"chat_id": 5}, second event chat.deleted queued {"chat_id": 5}"""));
    }

    [Test]
    public async Task An_event_that_is_rolled_back_was_never_told()
    {
        await using var bench = await StartAsync();
        await using (var connection = await bench.Database.OpenAsync())
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var emit = new NpgsqlCommand(Emit, connection) { Parameters = { new("id", "e1") } };
            await emit.ExecuteNonQueryAsync();
            await transaction.RollbackAsync();
        }

        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_runs"), Is.Zero);
        Assert.That(await bench.Database.ScalarAsync<int>($"SELECT cardinality(({Emit}))", new { id = "e1" }), Is.EqualTo(1));
    }

    [Test]
    public async Task An_event_id_that_was_told_before_does_nothing_also_when_both_are_told_at_once()
    {
        await using var bench = await StartAsync();
        await using var first = await bench.Database.OpenAsync();
        await using var transaction = await first.BeginTransactionAsync();
        await using var emit = new NpgsqlCommand(Emit, first) { Parameters = { new("id", "e1") } };
        var runs = (Guid[])(await emit.ExecuteScalarAsync())!;

        var second = bench.Database.ScalarAsync<Guid[]>(Emit, new { id = "e1" });
        await bench.WaitForWaiterAsync();
        await transaction.CommitAsync();

        Assert.That(await second, Is.EqualTo(runs));
        Assert.That(await bench.Database.ScalarAsync<Guid[]>(Emit, new { id = "e1" }), Is.EqualTo(runs));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_runs"), Is.EqualTo(1));
    }

    [TestCase("chat.delted", "{}", "type: \"chat.delted\" is no event type", "chat.deleted, leaderboard.scored_partially, leaderboard.stale")]
    [TestCase("chat.deleted", "{}", "payload: chat_id: it is missing (chat.deleted)", "chat_id")]
    [TestCase("chat.deleted", "[]", "payload: a JSON array is not an object", "chat_id")]
    [TestCase("chat.deleted", """{"chat_id": "5"}""", "chat_id: \"5\" is not integer", "chat_id")]
    [TestCase("chat.deleted", """{"chat_id": 5.5}""", "chat_id: 5.5 is not integer", "chat_id")]
    [TestCase("chat.deleted", """{"chat_id": null}""", "chat_id: null is not integer", "chat_id")]
    [TestCase("chat.deleted", """{"chat_id": 5, "chatt": 1}""", "chatt: there is no such field; known: chat_id", "chat_id")]
    [TestCase("stream.ended", """{"chat_id": 5, "stream_id": "s", "outcome": "vanished"}""", "outcome: \"vanished\" is not one of [\"finished\", \"stopped\", \"failed\"]", "outcome")]
    [TestCase("project.deleted", """{"project_id": 5, "chat_ids": [1, "2"]}""", "chat_ids: an item is not integer", "chat_ids")]
    [TestCase("leaderboard.scored_partially", """{"organisation_id": 1, "entity_types": "team"}""", "entity_types: \"team\" is not array", "entity_types")]
    [TestCase("chat.deleted", """{"chat_id": "\u0000"}""", "payload: chat_id: the character U+0000", "store")]
    public async Task What_is_unknown_or_does_not_fit_is_refused_with_what_is_known(string type, string payload, string message, string hint)
    {
        await using var bench = await StartAsync();

        var answer = await bench.Get<EventStore>().EmitAsync(type, JsonElement.Parse(payload), null, Actor.CommandLine);

        Assert.That(answer, Is.InstanceOf<EventAnswer.Refused>());
        var refused = (EventAnswer.Refused)answer;
        Assert.Multiple(() =>
        {
            Assert.That(refused.Message, Does.Contain(message));
            Assert.That(refused.Hint, Does.Contain(hint));
        });
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.events"), Is.Zero);
    }

    [TestCase("stream.ended", """{"chat_id": 5, "stream_id": "s", "outcome": "stopped"}""")]
    [TestCase("project.deleted", """{"project_id": 5}""")]
    [TestCase("project.deleted", """{"project_id": 5, "chat_ids": [1, 2]}""")]
    [TestCase("message.attachments_changed", """{"message_id": 12345678901}""")]
    [TestCase("leaderboard.stale", """{"organisation_id": 1}""")]
    [TestCase("leaderboard.scored_partially", """{"organisation_id": 1, "entity_types": ["team"]}""")]
    public async Task What_fits_is_taken_and_fits_the_handlers_config(string type, string payload)
    {
        await using var bench = await StartAsync();

        var answer = await bench.Get<EventStore>().EmitAsync(type, JsonElement.Parse(payload), "id", Actor.CommandLine);

        Assert.That(answer, Is.InstanceOf<EventAnswer.Accepted>(), $"{answer}");
        foreach (var key in bench.Get<EventTypes>().All.Single(known => known.Name == type).Handlers)
            Assert.That(ConfigReader.Read(bench.Get<HandlerCatalog>().Find(key)!.ConfigType, JsonElement.Parse("{}"), JsonElement.Parse(payload)).Faults, Is.Empty, key);
    }

    [Test]
    public async Task An_application_may_emit_and_may_not_read_or_write_the_events()
    {
        await using var bench = await StartAsync();
        await using var connection = await bench.Database.OpenAsync();
        await using (var role = new NpgsqlCommand("SET ROLE jobplatform_app", connection)) await role.ExecuteNonQueryAsync();
        await using (var emit = new NpgsqlCommand(Emit, connection) { Parameters = { new("id", "e1") } })
            Assert.That((Guid[]?)await emit.ExecuteScalarAsync(), Has.Length.EqualTo(1));

        await using var read = new NpgsqlCommand("SELECT count(*) FROM jobplatform.events", connection);
        Assert.That(read.ExecuteScalarAsync, Throws.InstanceOf<PostgresException>().With.Property("SqlState").EqualTo(PostgresErrorCodes.InsufficientPrivilege));
    }

    private static async Task<HandlerBench> StartAsync()
    {
        var bench = await HandlerBench.CreateAsync("delete-chat-blobs", withSample: false);
        await bench.Get<EventTypes>().PublishAsync(bench.Get<PlatformDatabase>());
        return bench;
    }
}
