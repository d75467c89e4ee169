using JobPlatform.Core.Administration;
using JobPlatform.Core.Database;
using JobPlatform.Core.Events;
using JobPlatform.Core.Handlers;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Api;

public sealed class EventTests
{
    [Test]
    public async Task An_event_becomes_runs_and_told_again_under_its_id_it_does_nothing_and_says_so()
    {
        await using var host = await StartAsync();
        await host.AddJobAsync("blobs", "delete-chat-blobs");
        await host.AddJobAsync("more-blobs", "delete-chat-blobs");
        await host.AddJobAsync("off", "delete-chat-blobs", isEnabled: false);
        await AuthorizeAsync(host, ClientScopes.EventsWrite);

        var first = await host.SendAsync("POST", "/api/events", """{"type": "chat.deleted", "payload": {"chat_id": 5}, "event_id": "e1"}""");
        var second = await host.SendAsync("POST", "/api/events", """{"type": "chat.deleted", "payload": {"chat_id": 6}, "event_id": "e1"}""");

        Assert.That((int)first.StatusCode, Is.EqualTo(202), await first.Content.ReadAsStringAsync());
        Assert.That((int)second.StatusCode, Is.EqualTo(202), await second.Content.ReadAsStringAsync());
        var (told, again) = (await first.ReadAsync(), await second.ReadAsync());
        Assert.That(told.Names(), Is.EqualTo("run_ids"));
        Assert.That(again.GetProperty("existing").GetBoolean(), Is.True);
        Assert.That($"{again.GetProperty("run_ids")}", Is.EqualTo($"{told.GetProperty("run_ids")}"));
        Assert.That(await host.Database.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(' ', j.name, r.trigger, r.payload), ', ' ORDER BY j.name) FROM jobplatform.job_runs r JOIN jobplatform.jobs j ON j.id = r.job_id WHERE r.id = ANY(@ids)",
            new { ids = told.GetProperty("run_ids").EnumerateArray().Select(id => id.GetGuid()).ToArray() }),
            Is.EqualTo("""blobs event {"chat_id": 5}, more-blobs event {"chat_id": 5}"""));
        Assert.That(await host.Database.ScalarAsync<string>(
            "SELECT string_agg(concat_ws(' ', actor, action, subject, details ->> 'event_id', jsonb_array_length(details -> 'run_ids')), ', ') FROM jobplatform.admin_logs WHERE action LIKE 'event%'"),
            Is.EqualTo("client:shop event.emitted chat.deleted e1 2"));
    }

    [Test]
    public async Task An_event_without_an_id_is_another_one_each_time_and_one_that_nobody_waits_for_is_taken()
    {
        await using var host = await StartAsync();
        var nobody = await (await host.SendAsync("POST", "/api/events", """{"type": "chat.deleted", "payload": {"chat_id": 5}}""")).ReadAsync();
        await host.AddJobAsync("blobs", "delete-chat-blobs");

        for (var time = 0; time < 2; time++)
            Assert.That((await (await host.SendAsync("POST", "/api/events", """{"type": "chat.deleted", "payload": {"chat_id": 5}}""")).ReadAsync()).Names(), Is.EqualTo("run_ids"));

        Assert.That(nobody.GetProperty("run_ids").GetArrayLength(), Is.Zero);
        Assert.That(await host.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.job_runs"), Is.EqualTo(2));
    }

    [TestCase("""{"type": "chat.delted", "payload": {}}""", "type", "\"chat.delted\" is no event type", "chat.deleted, leaderboard.scored_partially, leaderboard.stale")]
    [TestCase("""{"type": "chat.deleted"}""", "payload", "chat_id: it is missing", "chat_id")]
    [TestCase("""{"type": "chat.deleted", "payload": {"chat_id": "5"}}""", "payload", "chat_id: \"5\" is not integer", "chat_id")]
    [TestCase("""{"type": "chat.deleted", "payload": {"chat_id": 1e300}}""", "payload", "chat_id", "chat_id")]
    [TestCase("""{"type": "chat.deleted", "payload": {"chat_id": 9223372036854775808}}""", "payload", "chat_id", "chat_id")]
    [TestCase("""{"type": "chat.deleted", "payload": {"chat_id": 5, "x": 1}}""", "payload", "x: there is no such field; known: chat_id", "chat_id")]
    [TestCase("""{"type": "chat.deleted", "payload": [5]}""", "payload", "a JSON array is not an object", "chat_id")]
    [TestCase("""{"type": "chat.deleted", "payload": {"chat_id": 5}, "event_id": ""}""", "event_id", "0 characters", "1 to 200")]
    [TestCase("""{"type": 5, "payload": {}}""", "type", "5 is not a text", "")]
    [TestCase("""{"payload": {}}""", "type", "missing", "")]
    [TestCase("""{"type": "chat.deleted", "paylod": {}}""", "paylod", "there is no such field", "payload")]
    public async Task What_is_unknown_or_does_not_fit_is_refused_with_what_is_known_and_leaves_nothing(string body, string field, string message, string known)
    {
        await using var host = await StartAsync();
        await host.AddJobAsync("blobs", "delete-chat-blobs");

        var problem = await (await host.SendAsync("POST", "/api/events", body)).ShouldBeProblemAsync(422, "invalid-request");

        Assert.That(problem.Fields(), Is.EqualTo(field));
        Assert.That(problem.MessageOf(field), Does.Contain(message).And.Contain(known));
        Assert.That(await host.Database.ScalarAsync<int>("SELECT (SELECT count(*) FROM jobplatform.events) + (SELECT count(*) FROM jobplatform.job_runs) + (SELECT count(*) FROM jobplatform.admin_logs)"), Is.Zero);
    }

    private static async Task<ApiHost> StartAsync()
    {
        var host = await ApiHost.StartAsync();
        await new EventTypes(host.Services.GetRequiredService<HandlerCatalog>()).PublishAsync(host.Services.GetRequiredService<PlatformDatabase>());
        return host;
    }

    private static async Task AuthorizeAsync(ApiHost host, params string[] scopes) =>
        host.Client.DefaultRequestHeaders.Authorization = Answers.Bearer(
            (await host.Services.GetRequiredService<ApiClients>().AddAsync("shop", scopes, null, Actor.CommandLine))!);
}
