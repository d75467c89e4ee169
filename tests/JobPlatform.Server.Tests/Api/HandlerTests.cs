namespace JobPlatform.Server.Tests.Api;

[Parallelizable(ParallelScope.All)]
public sealed class HandlerTests
{
    [Test]
    public async Task Every_handler_says_what_it_is_and_what_it_lacks()
    {
        await using var host = await ApiHost.StartAsync();

        var handlers = (await (await host.Client.GetAsync("/api/handlers")).ReadAsync()).GetProperty("handlers").EnumerateArray().ToList();

        var sessions = handlers.Single(handler => handler.GetProperty("key").GetString() == "cleanup-sessions");
        var fixture = handlers.Single(handler => handler.GetProperty("key").GetString() == "test-job");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sessions.Names(), Is.EqualTo("key, description, cron, gate, is_open, tables, missing_tables, missing_settings, is_destructive, config_schema"));
            Assert.That(sessions.GetProperty("cron").GetString(), Is.EqualTo("0 2 * * *"));
            Assert.That(sessions.GetProperty("is_open").GetBoolean(), Is.True);
            Assert.That(sessions.GetProperty("is_destructive").GetBoolean(), Is.True);
            Assert.That(sessions.GetProperty("missing_tables")[0].GetString(), Is.EqualTo("public.chat_sessions"));
            Assert.That(sessions.GetProperty("config_schema").GetProperty("properties").GetProperty("days_to_keep").GetProperty("minimum").GetInt32(), Is.EqualTo(1));
            Assert.That(fixture.GetProperty("gate").GetString(), Is.EqualTo("ENVIRONMENT=Development"));
            Assert.That(fixture.GetProperty("is_open").GetBoolean(), Is.False);
        }
    }

    [Test]
    public async Task A_table_that_is_there_is_not_missing()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Database.ExecuteAsync("CREATE TABLE public.chat_sessions (id bigint)");

        var handlers = (await (await host.Client.GetAsync("/api/handlers")).ReadAsync()).GetProperty("handlers").EnumerateArray();

        var sessions = handlers.Single(handler => handler.GetProperty("key").GetString() == "cleanup-sessions");
        Assert.That(sessions.GetProperty("missing_tables").GetArrayLength(), Is.Zero);
    }
}
