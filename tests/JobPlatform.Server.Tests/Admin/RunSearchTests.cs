using JobPlatform.Core.Runs;
using JobPlatform.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace JobPlatform.Server.Tests.Admin;

public sealed class RunSearchTests
{
    [Test]
    public async Task A_text_is_found_in_output_error_and_payload_and_stands_for_itself()
    {
        await using var host = await ApiHost.StartAsync();
        await FillAsync(host, "output", """{"note": "100% Needle"}""", null);
        await FillAsync(host, "payload", "{}", """{"key": "needle_1"}""");
        await FillAsync(host, "neither", """{"note": "1000 nails"}""", null);
        var search = host.Services.GetRequiredService<RunSearch>();
        var filter = new RunFilter { From = TimeProvider.System.GetUtcNow().AddHours(-1) };

        Assert.Multiple(async () =>
        {
            Assert.That(await JobsWithAsync("needle"), Is.EqualTo("output payload"));
            Assert.That(await JobsWithAsync("100%"), Is.EqualTo("output"), "A % is no wildcard.");
            Assert.That(await JobsWithAsync("needle_"), Is.EqualTo("payload"), "A _ is no wildcard.");
        });
        Assert.That(() => search.FindAsync(new(), "needle", null, 10), Throws.ArgumentException);

        async Task<string> JobsWithAsync(string text) =>
            string.Join(' ', (await search.FindAsync(filter, text, null, 10)).Runs.Select(run => run.Job).Order(StringComparer.Ordinal));
    }

    [Test]
    public async Task Pages_hold_each_run_once_and_what_has_no_index_is_gone_through_to_a_limit()
    {
        await using var host = await ApiHost.StartAsync();
        for (var run = 0; run < 5; run++) await FillAsync(host, $"job-{run}", "{}", null);
        var search = host.Services.GetRequiredService<RunSearch>();

        var first = await search.FindAsync(new() { Status = RunStatus.Success }, null, null, 3);
        var second = await search.FindAsync(new() { Status = RunStatus.Success }, null, first.Before, 3);
        var none = await search.FindAsync(new() { Trigger = RunTrigger.Event }, null, null, 3);

        Assert.Multiple(async () =>
        {
            Assert.That(first.Runs.Concat(second.Runs).Select(run => run.Id).Distinct().Count(), Is.EqualTo(5));
            Assert.That((second.Runs.Count, second.Before, second.WentThrough), Is.EqualTo((2, (Guid?)null, (int?)null)));
            Assert.That((none.Runs.Count, none.Before, none.WentThrough), Is.EqualTo((0, (Guid?)null, (int?)null)));
            Assert.That((await search.CountAsync(new()))?.Count, Is.EqualTo(5));
            Assert.That(await search.CountAsync(new() { Status = RunStatus.Success }), Is.Null, "Counting these would look at each run.");
        });
    }

    [Test]
    public async Task A_search_goes_through_no_more_runs_than_its_limit_and_goes_on_from_there()
    {
        await using var host = await ApiHost.StartAsync();
        await host.AddJobAsync("many");
        // One that fits, older than as many others as are gone through at once.
        await host.Database.ExecuteAsync(
            $"""
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, queue, priority, limited)
            SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, id, 1, CASE n WHEN 0 THEN 'event' ELSE 'api' END, now() + interval '1 day', 'default', 5, true
              FROM jobplatform.jobs, generate_series(0, {RunSearch.MostLookedAt}) n WHERE name = 'many'
            """);
        var search = host.Services.GetRequiredService<RunSearch>();

        var first = await search.FindAsync(new() { Trigger = RunTrigger.Event }, null, null, 10);
        var second = await search.FindAsync(new() { Trigger = RunTrigger.Event }, null, first.Before, 10);

        Assert.Multiple(() =>
        {
            Assert.That((first.Runs.Count, first.WentThrough), Is.EqualTo((0, (int?)RunSearch.MostLookedAt)));
            Assert.That(second.Runs.Select(run => run.Trigger), Is.EqualTo(new[] { RunTrigger.Event }));
        });
    }

    private static async Task FillAsync(ApiHost host, string job, string output, string? payload)
    {
        await host.AddJobAsync(job);
        await host.Database.ExecuteAsync(
            """
            INSERT INTO jobplatform.job_runs (id, job_id, job_version, trigger, run_at, started_at, finished_at, queue, priority, limited, status, output, payload)
            SELECT jobplatform.uuid_v7(), id, 1, 'api', now(), now(), now(), 'default', 5, true, 'success', @output::jsonb, @payload::jsonb FROM jobplatform.jobs WHERE name = @job
            """, new { job, output, payload });
    }
}
