using System.Diagnostics;
using Dapper;
using JobPlatform.Core.Runs;
using JobPlatform.Handlers.Leaderboards;
using JobPlatform.Testing;

namespace JobPlatform.Benchmarks;

/// <summary>
/// Seconds of refresh-leaderboard for one organisation, beside one set-based statement that does the same work; and how
/// long the HTTP API takes to answer with a stale leaderboard.
/// </summary>
internal static class LeaderboardSpeed
{
    private const string Fill =
        """
        INSERT INTO public.organisations (id, slug, name, ingest_key) VALUES (1, 'a', 'A', 'a');
        INSERT INTO public.activities (organisation_id, entity_type, entity_id, kind, amount, occurred_at)
        SELECT 1, CASE WHEN n % 4 = 0 THEN 'team' ELSE 'user' END, 1 + n % 9973, CASE WHEN n % 3 = 0 THEN 'document' ELSE 'message' END, 1 + n % 5,
               now() - n % 90 * interval '1 day'
          FROM generate_series(1, @signals) n
        """;

    // The same effect in one statement: signals, scores and the boards of the best hundred.
    private const string Plain =
        """
        WITH read AS (
            INSERT INTO public.signals SELECT organisation_id, id, entity_type, entity_id, kind, amount, occurred_at FROM public.activities
            RETURNING entity_type, entity_id, amount
        ), scored AS (
            INSERT INTO public.computed_scores SELECT 1, entity_type, entity_id, sum(amount), count(*), now() FROM read GROUP BY 2, 3
            RETURNING entity_type, entity_id, score
        )
        INSERT INTO public.leaderboard_materializations (organisation_id, entity_type, ranking, computed_at)
        SELECT 1, entity_type, jsonb_agg(jsonb_build_object('entity_id', entity_id, 'score', score, 'rank', place) ORDER BY place), now()
          FROM (SELECT *, rank() OVER (PARTITION BY entity_type ORDER BY score DESC) AS place FROM scored) AS ranked
         WHERE place <= 100 GROUP BY entity_type
        """;

    private const int Warmup = 20, Calls = 500;

    public static async Task MeasureAsync(int signals)
    {
        await using var database = await TestDatabase.CreateWithSampleAsync();
        await using var connection = await database.OpenAsync();
        await connection.ExecuteAsync(Fill, new { signals }, commandTimeout: 0);
        await connection.ExecuteAsync("VACUUM ANALYZE public.activities", commandTimeout: 0);
        await database.AddJobAsync("refresh", "refresh-leaderboard", """config = '{"organisation_id": 1}'""", "timeout_seconds = 3600");
        var (ours, again) = await RefreshAsync(database);
        await MeasureAnswersAsync(database, signals);
        await connection.ExecuteAsync("TRUNCATE public.signals, public.ingest_log, public.computed_scores, public.leaderboard_materializations");
        var start = Stopwatch.GetTimestamp();
        await connection.ExecuteAsync(Plain, commandTimeout: 0);
        Figures.Print("refresh-leaderboard", "s", ours, Stopwatch.GetElapsedTime(start).TotalSeconds, $"{signals:N0} new signals, beside one statement");
        Figures.Print("refresh-leaderboard again", "s", again, note: "nothing new; what was read within ten minutes is looked at again");
    }

    private static async Task<(double First, double Again)> RefreshAsync(TestDatabase database)
    {
        await using var platform = await TestPlatform.StartAsync(database.ConnectionString, handlers: typeof(RefreshLeaderboard).Assembly);

        return (await RunAsync(platform), await RunAsync(platform));
    }

    private static async Task MeasureAnswersAsync(TestDatabase database, int signals)
    {
        // Without a worker the refresh that the first answer asks for stays queued: every answer is a stale one.
        await using var server = await RunningServer.StartAsync(database, ("ROLE", "web"), ("CALLS_PER_MINUTE", "1000000"));
        foreach (var (state, change) in new[] { ("stale", "now()"), ("fresh", "NULL") })
        {
            await database.ExecuteAsync($"UPDATE public.organisations SET leaderboard_stale_at = {change}");
            var took = new List<double>();
            for (var call = 0; call < Warmup + Calls; call++)
            {
                var start = Stopwatch.GetTimestamp();
                var answer = await server.Http.GetStringAsync(new Uri("/api/a/leaderboard/score", UriKind.Relative));
                if (call >= Warmup) took.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                if (!answer.Contains($"\"stale\":{(state == "stale" ? "true" : "false")}", StringComparison.Ordinal)) throw new InvalidOperationException(answer);
            }
            Figures.Print($"{state} answer p50", "ms", Figures.Percentile(took, 0.5), note: $"GET /api/{{org}}/leaderboard/score, {signals:N0} signals, {Calls} calls one after another");
            Figures.Print($"{state} answer p99", "ms", Figures.Percentile(took, 0.99));
            Figures.Print($"{state} answer max", "ms", took[^1]);
        }
    }

    private static async Task<double> RunAsync(TestPlatform platform)
    {
        var start = Stopwatch.GetTimestamp();
        var run = await platform.WaitForEndAsync(await platform.EnqueueAsync("refresh"), 3600);
        if (run.Status != RunStatus.Success) throw new InvalidOperationException($"{run.Error}");
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
