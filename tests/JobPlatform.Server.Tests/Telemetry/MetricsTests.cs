using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using JobPlatform.Core.Database;
using JobPlatform.Core.Telemetry;
using JobPlatform.Server.Tests.Cli;

namespace JobPlatform.Server.Tests.Telemetry;

public sealed partial class MetricsTests
{
    [Test]
    public async Task A_server_shows_what_it_did_what_waits_and_what_it_costs_its_database()
    {
        await using var cli = await CommandLineFixture.CreateAsync();
        cli.Environment["WORKER_QUEUES"] = "default";
        await cli.Database.AddJobAsync("good", "test-job");
        await cli.Database.AddJobAsync("bad", "test-fail-job", "max_attempts = 1");
        await cli.Database.AddJobAsync("aside", "test-job", "queue = 'elsewhere'", "overlap_policy = 'allow'");
        await cli.Database.AddJobAsync("calm", "test-job", "queue = 'calm'");
        await cli.Database.ExecuteAsync("SELECT jobplatform.enqueue_job('aside', NULL, now() - interval '1 hour') FROM generate_series(1, 7); SELECT jobplatform.enqueue_job('aside', NULL, now() + interval '1 day')");
        await using var node = await ServerNode.StartAsync(cli);
        foreach (var job in (string[])["good", "bad"])
            await cli.RunAsync("runs", "tail", $"{await cli.Database.ScalarAsync<Guid>("SELECT jobplatform.enqueue_job(@job)", new { job })}");

        var text = await node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));

        Assert.Multiple(() =>
        {
            Assert.That(text, Does.Match("""(?m)^jobplatform_runs_total\{[^}]*job="good",status="success",trigger="sql"[^}]*\} 1\b"""));
            Assert.That(text, Does.Match("""(?m)^jobplatform_runs_total\{[^}]*job="bad",status="failed",trigger="sql"[^}]*\} 1\b"""));
            Assert.That(text, Does.Match("""(?m)^jobplatform_run_duration_seconds_count\{[^}]*job="good"[^}]*\} 1\b"""));
            Assert.That(text, Does.Match("""(?m)^jobplatform_run_wait_seconds_bucket\{[^}]*job="good"[^}]*\} """));
            Assert.That(text, Does.Match("""(?m)^jobplatform_queue_depth\{[^}]*queue="elsewhere"[^}]*\} 7\b"""), "what is due later does not wait");
            Assert.That(text, Does.Match("""(?m)^jobplatform_queue_oldest_seconds\{[^}]*queue="elsewhere"[^}]*\} \d{4}\b"""));
            Assert.That(text, Does.Match("""(?m)^jobplatform_queue_depth\{[^}]*queue="calm"[^}]*\} 0\b"""), "an autoscaler goes down only by a figure, not by its absence");
            Assert.That(text, Does.Match("""(?m)^jobplatform_queue_oldest_seconds\{[^}]*queue="calm"[^}]*\} 0\b"""));
            Assert.That(text, Does.Match("""(?m)^jobplatform_workers(\{[^}]*\})? 1\b"""));
            Assert.That(text, Does.Match("""(?m)^jobplatform_database_up(\{[^}]*\})? 1\b"""));
            Assert.That(text, Does.Match("""(?m)^jobplatform_database_transactions_total(\{[^}]*\})? \d+"""));
            Assert.That(text, Does.Match("""(?m)^jobplatform_database_table_size_bytes\{[^}]*table="jobplatform.job_runs"[^}]*\} \d+"""));
            Assert.That(text, Does.Match("(?m)^dotnet_process_memory_working_set_bytes"));
        });
        Assert.That(text, Does.Not.Contain("Username="), "no part of a connection string");
        // The names that the next test derives are those that are shown.
        Assert.That(text.Split('\n').Select(line => line.Split('{', ' ')[0]).Where(name => name.StartsWith("jobplatform_", StringComparison.Ordinal)).Distinct().Except(Names()), Is.Empty);
    }

    [TestCase("prometheus/rules.yaml")]
    [TestCase("prometheus/adapter.yaml")]
    [TestCase("grafana/dashboard.json")]
    [TestCase("kubernetes/autoscaling.yaml")]
    public void The_names_in_rules_and_dashboards_are_names_of_the_meter(string file)
    {
        var text = File.ReadAllText(Path.Combine(TestCluster.RepositoryRoot, "deploy", file));
        if (file.EndsWith(".json", StringComparison.Ordinal)) Assert.That(JsonElement.Parse(text).GetProperty("panels").GetArrayLength(), Is.GreaterThan(10));

        var used = PlatformNames().Matches(text).Select(match => match.Value).Distinct().ToList();

        Assert.That(used, Is.Not.Empty);
        Assert.That(used.Except(Names()), Is.Empty);
    }

    // As the exporter makes them: the unit in the name, _total behind counters, three names of a histogram.
    private static HashSet<string> Names()
    {
        var instruments = new List<Instrument>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => { if (instrument.Meter.Name == RunMetrics.MeterName) lock (instruments) instruments.Add(instrument); } };
        RuntimeHelpers.RunClassConstructor(typeof(RunMetrics).TypeHandle);
        using var reader = new LoadReader(new PlatformDatabase("Host=127.0.0.1;Port=1"), TimeProvider.System);
        using var gauges = new LoadGauges(reader);
        listener.Start();
        return instruments.SelectMany(instrument =>
        {
            var name = instrument.Name.Replace('.', '_') + instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
            return instrument is Histogram<double> ? [$"{name}_bucket", $"{name}_sum", $"{name}_count", name]
                : instrument is Counter<long> or ObservableCounter<long> ? (string[])[$"{name}_total"] : [name];
        }).ToHashSet();
    }

    [GeneratedRegex(@"(?<![\w-])jobplatform_[a-z_]+")]
    private static partial Regex PlatformNames();
}
