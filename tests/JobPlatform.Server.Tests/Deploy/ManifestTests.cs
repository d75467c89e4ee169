using System.Globalization;
using System.Runtime.Versioning;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Configuration;
using YamlDotNet.RepresentationModel;

namespace JobPlatform.Server.Tests.Deploy;

/// <summary>What can be known of the files of <c>deploy/</c> without a container engine or a cluster.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ManifestTests
{
    private static readonly string Folder = Path.Combine(TestCluster.RepositoryRoot, "deploy");

    [Test]
    public void Every_container_is_without_root_without_rights_and_on_a_read_only_file_system_and_has_its_probes()
    {
        var pods = Directory.GetFiles(Path.Combine(Folder, "kubernetes"), "*.yaml").SelectMany(Load)
            .Where(document => Text(document, "kind") is "Deployment" or "Job").ToList();
        Assert.That(pods, Has.Count.EqualTo(3));
        foreach (var pod in pods)
        {
            var spec = At(pod, "spec", "template", "spec")!;
            var container = ((YamlSequenceNode)At(spec, "containers")!)[0];
            var name = Text(container, "name");
            Assert.Multiple(() =>
            {
                Assert.That(Text(spec, "securityContext", "runAsNonRoot"), Is.EqualTo("true"), name);
                Assert.That(Text(spec, "automountServiceAccountToken"), Is.EqualTo("false"), name);
                Assert.That(Text(container, "securityContext", "readOnlyRootFilesystem"), Is.EqualTo("true"), name);
                Assert.That(Text(container, "securityContext", "allowPrivilegeEscalation"), Is.EqualTo("false"), name);
                Assert.That(At(container, "resources", "limits", "memory"), Is.Not.Null, name);
            });
            if (name == "migrate") continue;
            Assert.Multiple(() =>
            {
                Assert.That(Text(container, "readinessProbe", "httpGet", "path"), Is.EqualTo("/health/ready"), name);
                Assert.That(Text(container, "livenessProbe", "httpGet", "path"), Is.EqualTo("/health/live"), name);
                // The drain, 5 s each for last words and last records, and the pause before it.
                Assert.That(int.Parse(Text(spec, "terminationGracePeriodSeconds")!, CultureInfo.InvariantCulture), Is.GreaterThanOrEqualTo(5 + Drain + 10), name);
                Assert.That(At(pod, "spec", "selector", "matchLabels")!.ToString(), Is.EqualTo(At(pod, "spec", "template", "metadata", "labels")!.ToString()), name);
            });
        }
    }

    [Test]
    public void Every_resource_that_is_named_is_there_and_every_policy_selects_a_deployment()
    {
        var all = Directory.GetFiles(Path.Combine(Folder, "kubernetes"), "*.yaml").SelectMany(Load).ToList();
        var kustomization = all.Single(document => Text(document, "kind") == "Kustomization");
        var names = ((YamlSequenceNode)At(kustomization, "resources")!).Select(node => node.ToString()).ToList();
        Assert.That(names.Where(name => !File.Exists(Path.Combine(Folder, "kubernetes", name))), Is.Empty);
        Assert.That(names, Does.Not.Contain("secret.example.yaml"), "an example is never applied");

        var deployments = all.Where(document => Text(document, "kind") == "Deployment").Select(document => Text(document, "metadata", "name")!).ToList();
        Assert.That(deployments, Is.EquivalentTo((string[])["web", "worker"]));
        Assert.That(all.Where(document => Text(document, "kind") == "PodDisruptionBudget").Select(document => Text(document, "spec", "selector", "matchLabels", "component")), Is.EquivalentTo(deployments));
        Assert.That(all.Where(document => Text(document, "kind") == "HorizontalPodAutoscaler").Select(document => Text(document, "spec", "scaleTargetRef", "name")), Is.SubsetOf(deployments));
        Assert.That(all.Where(document => Text(document, "kind") == "NetworkPolicy"), Has.Exactly(1).Items);
        // It has a label that no release lacks, and its HPA's metric is what the adapter serves.
        var adapter = Load(Path.Combine(Folder, "prometheus", "adapter.yaml")).Single();
        Assert.That(Text(((YamlSequenceNode)At(adapter, "external")!)[0], "name", "as"), Is.EqualTo(Text(((YamlSequenceNode)At(all.Single(document => Text(document, "kind") == "HorizontalPodAutoscaler"), "spec", "metrics")!)[0], "external", "metric", "name")));
    }

    [Test]
    public void What_is_applied_before_the_migration_is_its_Job_and_what_that_needs_and_no_server()
    {
        var first = Directory.GetFiles(Path.Combine(Folder, "kubernetes"), "*.yaml").SelectMany(Load).Where(document => Text(document, "metadata", "labels", "step") == "migrate").ToList();
        Assert.That(first.Select(document => Text(document, "kind")), Is.EquivalentTo((string[])["ConfigMap", "Job", "NetworkPolicy"]));
        var sources = (YamlSequenceNode)At(((YamlSequenceNode)At(first.Single(document => Text(document, "kind") == "Job"), "spec", "template", "spec", "containers")!)[0], "envFrom")!;
        Assert.That(sources.Select(source => Text(source, "configMapRef", "name")).OfType<string>(), Is.SubsetOf(first.Select(document => Text(document, "metadata", "name"))));
        // The two Secrets are made before by the commands of the example, of which the servers get the first.
        var secrets = Load(Path.Combine(Folder, "kubernetes", "secret.example.yaml")).Select(document => Text(document, "metadata", "name")).ToList();
        Assert.That(sources.Select(source => Text(source, "secretRef", "name")).OfType<string>(), Is.EquivalentTo(secrets));
        foreach (var server in (string[])["web.yaml", "worker.yaml"])
            Assert.That(File.ReadAllText(Path.Combine(Folder, "kubernetes", server)), Does.Not.Contain(secrets[1]), server);
    }

    [Test]
    public void Each_worker_of_a_plain_server_has_a_port_that_is_scraped_and_only_the_migration_knows_the_owner()
    {
        string Unit(string name) => File.ReadAllText(Path.Combine(Folder, "systemd", $"{name}.service"));
        Assert.That(Unit("jobplatform-worker@"), Does.Contain("serve --role worker --urls http://127.0.0.1:510%i\n"));
        var targets = (YamlSequenceNode)At(((YamlSequenceNode)At(((YamlSequenceNode)At(Load(Path.Combine(Folder, "prometheus", "prometheus.yaml")).Single(), "scrape_configs")!)[0], "static_configs")!)[0], "targets")!;
        Assert.That(targets.Select(target => target.ToString()), Is.EqualTo((string[])["127.0.0.1:5080", "127.0.0.1:5101", "127.0.0.1:5102"]));
        Assert.That(Unit("jobplatform-migrate"), Does.Contain("EnvironmentFile=-/etc/jobplatform/owner.env\n"));
        Assert.That(Unit("jobplatform-web") + Unit("jobplatform-worker@"), Does.Not.Contain("owner.env"));
    }

    [Test]
    public void Compose_has_its_five_services_the_platforms_hardened_and_its_settings_allow_a_start()
    {
        var compose = Load(Path.Combine(Folder, "compose.yaml")).Single();
        var services = ((YamlMappingNode)At(compose, "services")!).Children.Keys.Select(key => key.ToString());
        Assert.That(services, Is.EquivalentTo((string[])["postgres", "migrate", "web", "worker", "mail"]));
        Assert.That(Text(compose, "services", "worker", "deploy", "replicas"), Is.EqualTo("2"));
        var platform = At(compose, "x-platform")!;
        Assert.Multiple(() =>
        {
            Assert.That(Text(platform, "read_only"), Is.EqualTo("true"));
            Assert.That(((YamlSequenceNode)At(platform, "cap_drop")!)[0].ToString(), Is.EqualTo("ALL"));
            Assert.That(Text(platform, "stop_grace_period"), Is.EqualTo("60s"));
            Assert.That(File.Exists(Path.Combine(Folder, Text(platform, "build", "context")!, Text(platform, "build", "dockerfile")!)));
        });
        var settings = ((YamlMappingNode)At(platform, "environment")!).Children.ToDictionary(pair => pair.Key.ToString().Replace("__", ":", StringComparison.Ordinal), string? (pair) => pair.Value.ToString());
        Assert.That(FaultsOf(settings, ("JOBS_SECRET_KEY", "kS9-2mQx7Vb4TzPw1LrYc8NhUe5JdAf3"), ("ADMIN_EMAILS", "ops@example.com")), Is.Empty);
    }

    [Test]
    public void The_settings_of_the_config_map_and_the_example_secret_are_ones_that_the_platform_takes()
    {
        var documents = Load(Path.Combine(Folder, "kubernetes", "configmap.yaml")).Concat(Load(Path.Combine(Folder, "kubernetes", "secret.example.yaml")));
        var settings = documents.SelectMany(document => ((YamlMappingNode)(At(document, "data") ?? At(document, "stringData"))!).Children)
            .ToDictionary(pair => pair.Key.ToString().Replace("__", ":", StringComparison.Ordinal), string? (pair) => pair.Value.ToString());

        var faults = FaultsOf(settings);

        Assert.That(faults, Has.Count.EqualTo(1).And.One.StartsWith("JOBS_SECRET_KEY:"), "the placeholder is refused, the rest is taken");
    }

    [Test]
    public void The_Dockerfile_builds_in_stages_with_the_Hangfire_engine_and_runs_as_nobody_with_a_health_check()
    {
        var lines = File.ReadAllLines(Path.Combine(Folder, "Dockerfile"));

        Assert.That(lines.Count(line => line.StartsWith("FROM ", StringComparison.Ordinal)), Is.EqualTo(2));
        var run = lines.SkipWhile(line => !line.Contains("chiseled", StringComparison.Ordinal)).ToList();
        Assert.That(run, Has.One.EqualTo("USER $APP_UID").And.One.Contains("\"health\"").And.One.EqualTo("CMD [\"serve\"]"));
        Assert.That(lines, Has.Some.Contains("-p:HangfireEngine=true"));
        foreach (var source in lines.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal)).SelectMany(line => line.Split(' ')[1..^1]))
            Assert.That(Path.Exists(Path.Combine(TestCluster.RepositoryRoot, source)), source);
    }

    [Test]
    public async Task Systemds_own_check_finds_no_fault_in_the_units_and_little_that_they_may_do()
    {
        // Where there is no systemd, the other tests of the units still count.
        if (!File.Exists("/usr/bin/systemd-analyze")) return;
        var folder = Directory.CreateTempSubdirectory("jobplatform-units-").FullName;
        foreach (var unit in Directory.GetFiles(Path.Combine(Folder, "systemd")))
        {
            // The program is not installed here.
            var copy = Path.Combine(folder, Path.GetFileName(unit));
            await File.WriteAllTextAsync(copy, (await File.ReadAllTextAsync(unit)).Replace("ExecStart=/opt/jobplatform/jobplatform", "ExecStart=/bin/true", StringComparison.Ordinal));
            var (verified, said) = await Tool.RunAsync("systemd-analyze", "verify", "--man=no", copy);
            Assert.That((verified, said), Is.EqualTo((0, "")), unit);
            var (safe, exposure) = await Tool.RunAsync("systemd-analyze", "security", "--offline=true", "--threshold=20", copy);
            Assert.That(safe, Is.Zero, $"{unit}: {exposure}");
        }
        Directory.Delete(folder, recursive: true);
    }

    // The default of DRAIN_SECONDS.
    private static double Drain => PlatformSettings.Read(new ConfigurationBuilder().Build()).Drain.TotalSeconds;

    private static IReadOnlyList<string> FaultsOf(Dictionary<string, string?> settings, params (string Name, string Value)[] more)
    {
        foreach (var (name, value) in more) settings[name] = value;
        return PlatformSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build()).Faults;
    }

    private static List<YamlNode> Load(string path)
    {
        var yaml = new YamlStream();
        using var text = new StreamReader(path);
        // Anchors and merges included, so that a typing error in one of them shows.
        yaml.Load(text);
        return [.. yaml.Documents.Select(document => document.RootNode)];
    }

    private static YamlNode? At(YamlNode node, params string[] path)
    {
        var at = node;
        foreach (var name in path)
            if (at is not YamlMappingNode mapping || !mapping.Children.TryGetValue(new YamlScalarNode(name), out at)) return null;
        return at;
    }

    private static string? Text(YamlNode node, params string[] path) => (At(node, path) as YamlScalarNode)?.Value;
}
