using JobPlatform.Core.Redis;
using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Streams;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Streams;

/// <summary>The same rules on PostgreSQL and on a real Redis.</summary>
[TestFixture(false)]
[TestFixture(true)]
public sealed class StreamTests(bool onRedis)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    [Test]
    public async Task A_stream_whose_last_heartbeat_is_a_second_too_old_is_released_one_at_the_cutoff_stays()
    {
        await using var state = await State.StartAsync(onRedis, "sweep-stale-streams");
        Assert.That(await state.Bench.CountAsync("deleted"), Is.Zero, "there is none yet");
        await state.AddAsync(1, "a", state.Bench.Now - Limit - TimeSpan.FromSeconds(1));
        await state.AddAsync(2, "b", state.Bench.Now - Limit);
        await state.AddAsync(3, "c", state.Bench.Now - Limit + TimeSpan.FromSeconds(1));

        Assert.That((await state.Bench.RunAsync("""{"dry_run": true}""")).Output, Does.Contain("\"would_delete\":1"));
        Assert.That(await state.ListAsync(), Is.EqualTo("1 a, 2 b, 3 c"));
        Assert.That(await state.Bench.CountAsync("deleted"), Is.EqualTo(1));
        Assert.That(await state.ListAsync(), Is.EqualTo("2 b, 3 c"));
        Assert.That(await state.Bench.CountAsync("deleted"), Is.Zero);
    }

    [Test]
    public async Task A_stream_that_ends_releases_its_chat_and_a_later_one_of_the_chat_stays()
    {
        await using var state = await State.StartAsync(onRedis, "release-active-stream");
        Assert.That(await state.Bench.CountAsync("released", """{"chat_id": 1, "stream_id": "old"}"""), Is.Zero, "there is none yet");
        await state.AddAsync(1, "new", state.Bench.Now);
        await state.AddAsync(2, "b", state.Bench.Now);

        Assert.That(await state.Bench.CountAsync("released", """{"chat_id": 1, "stream_id": "old", "outcome": "failed"}"""), Is.Zero);
        Assert.That(await state.Bench.CountAsync("would_release", """{"chat_id": 2, "stream_id": "b", "dry_run": true}"""), Is.EqualTo(1));
        Assert.That(await state.ListAsync(), Is.EqualTo("1 new, 2 b"));
        Assert.That(await state.Bench.CountAsync("released", """{"chat_id": 2, "stream_id": "b", "outcome": "stopped"}"""), Is.EqualTo(1));
        Assert.That(await state.Bench.CountAsync("released", """{"chat_id": 2, "stream_id": "b", "outcome": "stopped"}"""), Is.Zero);
        Assert.That(await state.ListAsync(), Is.EqualTo("1 new"));
    }

    [Test]
    public async Task More_streams_than_a_page_are_all_swept_and_max_rows_is_kept()
    {
        await using var state = await State.StartAsync(onRedis, "sweep-stale-streams");
        for (var chat = 1; chat <= 1200; chat++) await state.AddAsync(chat, "s", state.Bench.Now.AddHours(-1));

        Assert.That(await state.Bench.CountAsync("deleted", """{"max_rows": 100, "batch_size": 30}"""), Is.EqualTo(100));
        Assert.That(await state.Bench.CountAsync("deleted"), Is.EqualTo(1100));
        Assert.That(await state.ListAsync(), Is.Empty);
    }

    [Test]
    public async Task A_sweep_that_dies_half_way_keeps_what_it_did_and_the_next_goes_on()
    {
        if (onRedis) Assert.Pass("There each stream goes by itself, in one script.");
        await using var state = await State.StartAsync(onRedis, "sweep-stale-streams");
        for (var chat = 1; chat <= 5; chat++) await state.AddAsync(chat, "s", state.Bench.Now.AddHours(-1));
        await state.Bench.DieInSecondBatchAsync("public.active_streams");

        Assert.That((await state.Bench.RunAsync("""{"batch_size": 2}""")).Status, Is.EqualTo(RunStatus.Retrying));
        Assert.That(await state.Bench.CountAsync("deleted", """{"batch_size": 2}"""), Is.EqualTo(3));
    }

    [Test]
    public async Task A_stream_that_gives_a_sign_of_life_between_the_look_and_the_release_keeps_its_chat()
    {
        if (onRedis) Assert.Pass("There both are one script, which runs alone.");
        await using var state = await State.StartAsync(onRedis, "sweep-stale-streams");
        await state.AddAsync(1, "a", state.Bench.Now.AddHours(-1));
        await state.AddAsync(2, "b", state.Bench.Now.AddHours(-1));
        await using var stream = await state.Bench.Database.OpenAsync();
        await using var writing = await stream.BeginTransactionAsync();
        await using var beat = new Npgsql.NpgsqlCommand("UPDATE public.active_streams SET heartbeat_at = now() + interval '1 hour' WHERE chat_id = 2", stream);
        await beat.ExecuteNonQueryAsync();

        Assert.That(await state.Bench.CountAsync("deleted"), Is.EqualTo(1));
        await writing.CommitAsync();
        Assert.That(await state.Bench.CountAsync("deleted"), Is.Zero);
        Assert.That(await state.ListAsync(), Is.EqualTo("2 b"));
    }

    [Test]
    public async Task A_redis_that_is_gone_fails_the_run_with_a_sentence_and_the_next_run_has_a_new_line()
    {
        if (!onRedis) Assert.Pass("Of Redis only.");
        await using var state = await State.StartAsync(onRedis, "sweep-stale-streams");
        await state.AddAsync(1, "a", state.Bench.Now.AddHours(-1));
        await state.Redis!.SendAsync(default, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        Assert.That(await state.Bench.CountAsync("deleted"), Is.EqualTo(1));

        await state.KillAsync();
        var ending = await state.Bench.RunAsync();

        Assert.That(ending.Status, Is.EqualTo(RunStatus.Retrying));
        Assert.That(ending.ErrorMessage(), Does.StartWith("The line to Redis at 127.0.0.1:").And.EndWith("Check REDIS_URL.").And.Not.Contain("secret"));
    }

    private sealed class State : IAsyncDisposable
    {
        private RedisProcess? _process;

        public required HandlerBench Bench { get; init; }

        public RedisConnection? Redis { get; private set; }

        public static async Task<State> StartAsync(bool onRedis, string handler)
        {
            var process = onRedis ? await RedisProcess.StartAsync() : null;
            var bench = await HandlerBench.CreateAsync(handler, withSample: !onRedis,
                configure: services => _ = process is null ? services.AddSingleton<IStreamState, PostgresStreams>()
                    : services.AddSingleton(process.Server).AddSingleton<IStreamState, RedisStreams>(),
                settings: process is null ? [] : new() { ["REDIS_URL"] = process.Url });
            if (process is not null) return new() { Bench = bench, _process = process, Redis = await RedisConnection.OpenAsync(process.Server) };
            await bench.Database.ExecuteAsync(
                """
                INSERT INTO public.users (id, email, full_name) VALUES (1, 'ada@example.com', 'Ada');
                INSERT INTO public.chats (id, user_id, model) SELECT n, 1, 'm' FROM generate_series(1, 1200) n
                """);
            return new() { Bench = bench };
        }

        public async Task AddAsync(long chat, string stream, DateTimeOffset heartbeatAt)
        {
            if (Redis is null)
            {
                await Bench.Database.ExecuteAsync("INSERT INTO public.active_streams (chat_id, stream_id, heartbeat_at) VALUES (@chat, @stream, @heartbeatAt)", new { chat, stream, heartbeatAt });
                return;
            }
            await Redis.SendAsync(default, "HSET", $"active-stream:{chat}", "stream_id", stream, "heartbeat_at", $"{heartbeatAt.ToUnixTimeMilliseconds()}");
            await Redis.SendAsync(default, "SET", $"resumable-stream:rs:sentinel:{stream}", "1");
        }

        /// <summary>"chat stream" of all, by chat; on Redis a stream's sentinel must be there with it.</summary>
        public async Task<string> ListAsync()
        {
            if (Redis is null)
                return await Bench.Database.ScalarAsync<string>("SELECT string_agg(chat_id || ' ' || stream_id, ', ' ORDER BY chat_id) FROM public.active_streams") ?? "";
            var found = new List<string>();
            await foreach (var key in Redis.ScanAsync("active-stream:*"))
            {
                var stream = (string)(await Redis.SendAsync(default, "HGET", key, "stream_id"))!;
                Assert.That(await Redis.SendAsync(default, "EXISTS", $"resumable-stream:rs:sentinel:{stream}"), Is.EqualTo(1L));
                found.Add($"{key["active-stream:".Length..]} {stream}");
            }
            return string.Join(", ", found.Order(StringComparer.Ordinal));
        }

        public Task KillAsync() => _process!.KillAsync();

        public async ValueTask DisposeAsync()
        {
            if (Redis is not null) await Redis.DisposeAsync();
            await Bench.DisposeAsync();
            if (_process is not null) await _process.DisposeAsync();
        }
    }
}
