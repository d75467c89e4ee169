namespace JobPlatform.Server.Tests.Cli;

public sealed class EventsTests
{
    [Test]
    public async Task Types_are_listed_and_an_event_told_twice_under_one_id_makes_one_run()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        Assert.That((await cli.RunAsync("init")).ExitCode, Is.Zero);
        // Made disabled, as there are no tables; an event runs enabled jobs only.
        var nobody = await cli.RunAsync("events", "emit", "chat.deleted", "--payload", """{"chat_id": 4}""");
        await cli.Database.ExecuteAsync("UPDATE jobplatform.jobs SET is_enabled = true WHERE name = 'delete-chat-blobs'");

        var types = await cli.RunAsync("events", "types");
        var first = await cli.RunAsync("events", "emit", "chat.deleted", "--payload", """{"chat_id": 5}""", "--id", "e1", "--json");
        var second = await cli.RunAsync("events", "emit", "chat.deleted", "--payload", """{"chat_id": 5}""", "--id", "e1", "--json");

        Assert.Multiple(() =>
        {
            Assert.That(nobody.Output, Is.EqualTo("Taken; no enabled job subscribes to it.\n"), nobody.Errors);
            Assert.That(types.Output, Does.Match("chat.deleted +chat_id +delete-chat-blobs"));
            Assert.That(first.Json.GetProperty("run_ids").GetArrayLength(), Is.EqualTo(1), first.Errors);
            Assert.That(second.Output, Is.EqualTo(first.Output.Replace("\"existing\": false", "\"existing\": true", StringComparison.Ordinal)).And.Not.EqualTo(first.Output));
        });
        Assert.That(await cli.Database.ScalarAsync<string>("SELECT string_agg(concat_ws(' ', trigger, payload), ', ') FROM jobplatform.job_runs"), Is.EqualTo("""event {"chat_id": 5}"""));
    }

    [TestCase("chat.delted", "{}", "type: \"chat.delted\" is no event type\nKnown: chat.deleted,")]
    [TestCase("chat.deleted", "{}", "payload: chat_id: it is missing (chat.deleted)\nIts fields: {\"chat_id\"")]
    [TestCase("chat.deleted", "chat 5", "--payload: it is not JSON")]
    public async Task What_does_not_fit_is_refused_with_what_is_known(string type, string payload, string expected)
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        await cli.RunAsync("init");

        var refused = await cli.RunAsync("events", "emit", type, "--payload", payload);

        Assert.That((refused.ExitCode, refused.Output), Is.EqualTo((2, "")));
        Assert.That(refused.Errors, Does.StartWith(expected));
    }
}
