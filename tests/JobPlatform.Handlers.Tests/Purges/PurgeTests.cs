using System.Text.Json;
using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Tests.Purges;

public sealed class PurgeTests
{
    private const string Sessions =
        """
        INSERT INTO public.users (id, email, full_name) VALUES (1, 'ada@example.com', 'Ada');
        INSERT INTO public.chats (id, user_id, model) VALUES (1, 1, 'm');
        INSERT INTO public.chat_sessions (chat_id, user_id, client, started_at, updated_at)
        SELECT 1, 1, 'web', now() - interval '60 days', now() - interval '60 days' FROM generate_series(1, @count)
        """;

    private const string Habit =
        """
        INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, started_at, finished_at, status, queue, priority, limited, output)
        SELECT jobplatform.uuid_v7(), 1, 1, 'sql', now(), now(), now(), 'success', 'default', 5, true, jsonb_build_object('deleted', @each) FROM generate_series(1, @runs)
        """;

    [TestCase(3, 1, "safety_stop")]
    [TestCase(3, 2, null)]
    [TestCase(2, 1, null)]
    public async Task A_run_about_to_delete_many_times_the_usual_stops_before_the_first_row(int runs, int each, string? reason)
    {
        await using var bench = await StartAsync(40);
        await bench.Database.ExecuteAsync(Habit, new { runs, each });

        var ending = await bench.RunAsync("""{"safety_rows": 10, "safety_factor": 20}""");

        Assert.That(ending.SkipReason, Is.EqualTo(reason), ending.Error);
        Assert.That(await CountAsync(bench), Is.EqualTo(reason is null ? 0 : 40));
        if (reason is not null) Assert.That(JsonElement.Parse(ending.Output!).GetProperty("would_delete").GetInt32(), Is.EqualTo(40));
    }

    [TestCase("""{"confirm": true, "safety_rows": 10}""", 0)]
    [TestCase("""{"safety_rows": 40}""", 0)]
    [TestCase("""{"safety_factor": null, "safety_rows": 10}""", 0)]
    [TestCase("""{"max_rows": 15, "safety_rows": 15}""", 25)]
    [TestCase("""{"safety_rows": 10}""", 40)]
    public async Task A_stopped_purge_goes_on_when_a_run_confirms_it_or_its_limits_allow_it(string payload, int left)
    {
        await using var bench = await StartAsync(40);
        await bench.Database.ExecuteAsync(Habit, new { runs = 10, each = 0 });

        var ending = await bench.RunAsync(payload);

        Assert.That((ending.Status, await CountAsync(bench)), Is.EqualTo((left == 40 ? RunStatus.Skipped : RunStatus.Success, left)), ending.Error);
    }

    [Test]
    public async Task A_confirmation_in_the_jobs_config_does_not_count()
    {
        await using var bench = await StartAsync(40);
        await bench.Database.ExecuteAsync(Habit, new { runs = 10, each = 0 });
        await bench.Database.ExecuteAsync("""UPDATE jobplatform.jobs SET config = '{"confirm": true, "safety_rows": 10}'""");

        Assert.That((await bench.RunAsync()).SkipReason, Is.EqualTo("safety_stop"));
    }

    [Test]
    public async Task Very_many_rows_of_one_age_go_in_batches_and_each_once()
    {
        await using var bench = await StartAsync(5000);

        Assert.That(await bench.CountAsync("deleted", """{"batch_size": 700}"""), Is.EqualTo(5000));
        Assert.That(await CountAsync(bench), Is.Zero);
    }

    [Test]
    public async Task A_canceled_run_stops_between_two_batches()
    {
        await using var bench = await StartAsync(5000);
        using var control = new RunControl(bench.Clock);
        await bench.Database.ExecuteAsync(
            """
            CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY batch; RETURN NULL; END $$;
            CREATE TRIGGER tell AFTER DELETE ON public.chat_sessions FOR EACH STATEMENT EXECUTE FUNCTION tell();
            """);
        await using var listener = await bench.Database.OpenAsync();
        await using (var listen = new Npgsql.NpgsqlCommand("LISTEN batch", listener)) await listen.ExecuteNonQueryAsync();

        var run = bench.RunAsync("""{"batch_size": 1}""", control);
        Assert.That(await listener.WaitAsync(TimeSpan.FromSeconds(20)), Is.True);
        control.Stop(StopReason.Canceled);

        Assert.That((await run).Status, Is.EqualTo(RunStatus.Canceled));
        Assert.That(await CountAsync(bench), Is.InRange(1, 4999));
    }

    [TestCase("purge-expired-auth-sessions", "public.auth_sessions")]
    [TestCase("cleanup-expired-sessions", "public.sessions")]
    public async Task The_applications_own_function_is_called_as_it_is_and_cannot_run_dry(string handler, string table)
    {
        await using var bench = await HandlerBench.CreateAsync(handler);
        await bench.Database.ExecuteAsync(Sessions, new { count = 0 });
        await bench.Database.ExecuteAsync($"INSERT INTO {table} (user_id, expires_at) VALUES (1, now() - interval '1 second'), (1, now() + interval '1 minute')");

        var dry = await bench.RunAsync("""{"dry_run": true}""");
        var output = (await bench.RunAsync()).OutputJson();

        Assert.That((dry.Status, dry.ErrorMessage()), Is.EqualTo((RunStatus.Failed, dry.ErrorMessage())));
        Assert.That(dry.ErrorMessage(), Does.Contain("the application's own function"));
        Assert.That((output.GetProperty("deleted").GetInt64(), output.GetProperty("function").GetString()), Is.EqualTo((1L, output.GetProperty("function").GetString())));
        Assert.That(await bench.CountAsync("deleted"), Is.Zero);
        Assert.That(await bench.Database.ScalarAsync<int>($"SELECT count(*) FROM {table}"), Is.EqualTo(1));
    }

    private static async Task<HandlerBench> StartAsync(int count)
    {
        var bench = await HandlerBench.CreateAsync("cleanup-sessions");
        await bench.Database.ExecuteAsync(Sessions, new { count });
        return bench;
    }

    private static Task<int> CountAsync(HandlerBench bench) => bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.chat_sessions");
}
