using JobPlatform.Core.Redis;
using JobPlatform.Core.Runs;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Handlers.Tests.Leaderboards;

public sealed class RecomputeTests
{
    private const string AsRecompute = "UPDATE jobplatform.jobs SET handler = 'recompute-leaderboard'; UPDATE public.computed_scores SET score = 99 WHERE organisation_id = 1";

    [TestCase("""{"organisation_id": 1}""", "5 5")]
    [TestCase("""{"organisation_id": 1, "reingest": false}""", "0 5")]
    public async Task Recomputing_throws_away_one_organisations_rows_and_computes_them_anew(string payload, string ingestedAndSignals)
    {
        await using var bench = await StartAsync();

        var dry = (await bench.RunAsync(payload.Replace("}", ", \"dry_run\": true}", StringComparison.Ordinal))).Output;
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.computed_scores WHERE score = 99"), Is.EqualTo(4));
        var output = (await bench.RunAsync(payload)).OutputJson();

        Assert.That(dry, Does.Contain("\"leaderboard_materializations\":2").And.Contain("\"computed_scores\":4"));
        Assert.That($"{output.GetProperty("ingested")} {await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.signals WHERE organisation_id = 1")}", Is.EqualTo(ingestedAndSignals));
        Assert.That(await bench.Database.ScalarAsync<string>(LeaderboardTests.Boards), Is.EqualTo("1 team 1:4:1, 1 user 1:3:1 3:3:1 2:1:3, 2 user 1:7:1"));
    }

    [Test]
    public async Task Recomputing_twice_gives_the_same_and_of_one_that_died_half_way_the_next_does_the_rest()
    {
        await using var bench = await StartAsync();
        await bench.DieInSecondBatchAsync("public.computed_scores");

        var died = await bench.RunAsync("""{"organisation_id": 1, "batch_size": 2}""");
        Assert.That((died.Status, await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.computed_scores WHERE organisation_id = 1")), Is.EqualTo((RunStatus.Retrying, 2)));
        for (var time = 0; time < 2; time++)
        {
            Assert.That(await bench.CountAsync("scored", """{"organisation_id": 1, "batch_size": 2}"""), Is.EqualTo(4));
            Assert.That(await bench.Database.ScalarAsync<string>(LeaderboardTests.Boards), Is.EqualTo("1 team 1:4:1, 1 user 1:3:1 3:3:1 2:1:3, 2 user 1:7:1"));
        }
    }

    [Test]
    public async Task The_applications_cached_keys_of_the_organisation_go_and_all_others_stay()
    {
        await using var process = await RedisProcess.StartAsync();
        await using var bench = await StartAsync(configure: services => services.AddSingleton(process.Server));
        await using var redis = await RedisConnection.OpenAsync(process.Server);
        // More than one page of them.
        for (var n = 0; n < 1500; n++) await redis.SendAsync(default, "SET", $"leaderboard:1:{n}", "x");
        foreach (var other in new[] { "leaderboard:10:a", "leaderboard:lock:a", "xleaderboard:1:a" }) await redis.SendAsync(default, "SET", other, "x");

        Assert.That((await bench.RunAsync("""{"organisation_id": 1, "dry_run": true}""")).Output, Does.Contain("\"cached_keys\":1500"));
        Assert.That(await redis.SendAsync(default, "DBSIZE"), Is.EqualTo(1503L));
        Assert.That((await bench.RunAsync("""{"organisation_id": 1}""")).OutputJson().GetProperty("deleted").GetProperty("cached_keys").GetInt32(), Is.EqualTo(1500));
        Assert.That((await bench.RunAsync("""{"organisation_id": 1}""")).OutputJson().GetProperty("deleted").GetProperty("cached_keys").GetInt32(), Is.Zero);
        Assert.That(await redis.SendAsync(default, "DBSIZE"), Is.EqualTo(3L));
    }

    [TestCase(null, null, RunTrigger.Manual, false)]
    [TestCase("Production", "false", RunTrigger.Manual, false)]
    [TestCase("Production", "true", RunTrigger.Api, false)]
    [TestCase("Production", "true", RunTrigger.Sql, false)]
    [TestCase("Production", "true", RunTrigger.Manual, true)]
    [TestCase("Development", null, RunTrigger.Sql, true)]
    public async Task In_production_only_a_person_recomputes_and_only_where_debugging_is_on(string? environment, string? debugRoutes, RunTrigger trigger, bool isAllowed)
    {
        await using var bench = await StartAsync(environment, debugRoutes);
        using var control = new RunControl(bench.Clock);

        var ending = await bench.RunAsync("""{"organisation_id": 1}""", control, trigger);

        Assert.That(ending.Status, Is.EqualTo(isAllowed ? RunStatus.Success : RunStatus.Failed), ending.Error);
        if (!isAllowed) Assert.That(ending.ErrorMessage(), Does.StartWith("recompute-leaderboard does not run in production"));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.computed_scores WHERE score = 99"), Is.EqualTo(isAllowed ? 0 : 4));
    }

    // Both organisations have their boards; the scores of the first are wrong.
    private static async Task<HandlerBench> StartAsync(string? environment = "Development", string? debugRoutes = null, Action<IServiceCollection>? configure = null)
    {
        var bench = await HandlerBench.CreateAsync("refresh-leaderboard", configure: configure,
            settings: new() { ["ENVIRONMENT"] = environment, ["ENABLE_DEBUG_ROUTES"] = debugRoutes });
        await bench.Database.ExecuteAsync(LeaderboardTests.Rows);
        await bench.RunAsync("""{"organisation_id": 1}""");
        await bench.RunAsync("""{"organisation_id": 2}""");
        await bench.Database.ExecuteAsync(AsRecompute);
        return bench;
    }
}
