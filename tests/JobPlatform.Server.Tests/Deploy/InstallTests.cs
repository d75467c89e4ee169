using System.Runtime.Versioning;

namespace JobPlatform.Server.Tests.Deploy;

/// <summary><c>install.sh</c> below a folder, and <c>restart.sh</c> as it was installed there, with a systemd that writes down what it is told.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class InstallTests
{
    private const UnixFileMode OwnersProgram = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly string Folder = Path.Combine(TestCluster.RepositoryRoot, "deploy");

    [Test]
    public async Task The_installer_puts_everything_below_a_folder_makes_a_key_and_keeps_the_settings_when_it_runs_again()
    {
        var root = Directory.CreateTempSubdirectory("jobplatform-root-").FullName;
        var settings = Path.Combine(root, "etc/jobplatform/secrets.env");
        var owner = Path.Combine(root, "etc/jobplatform/owner.env");

        Assert.That((await InstallAsync(root)).Code, Is.Zero);
        var first = await File.ReadAllTextAsync(settings);
        await File.WriteAllTextAsync(owner, "ConnectionStrings__Owner=Host=elsewhere\n");
        Assert.That((await InstallAsync(root)).Code, Is.Zero);

        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllText(settings), Is.EqualTo(first));
            Assert.That(first, Does.Match("(?m)^JOBS_SECRET_KEY=[0-9a-f]{64}$"));
            Assert.That(first, Does.Not.Contain("Owner"));
            Assert.That(File.ReadAllText(owner), Is.EqualTo("ConnectionStrings__Owner=Host=elsewhere\n"));
            foreach (var file in (string[])[settings, owner]) Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite), file);
            Assert.That(File.GetUnixFileMode(Path.Combine(root, "etc/jobplatform")), Is.EqualTo(OwnersProgram));
            Assert.That(File.Exists(Path.Combine(root, "opt/jobplatform/jobplatform")));
            Assert.That(Directory.GetFiles(Path.Combine(root, "etc/systemd/system")).Select(Path.GetFileName), Is.EquivalentTo(Directory.GetFiles(Path.Combine(Folder, "systemd")).Select(Path.GetFileName)));
        });
        foreach (var workers in (string[])["many", "0", "10"])
            Assert.That((await InstallAsync(root, "--workers", workers)).Output, Does.Contain($"--workers {workers} is no number of processes"));
        Directory.Delete(root, recursive: true);
    }

    [Test]
    public async Task A_restart_takes_every_worker_that_runs_and_those_that_are_named_and_the_web_server_last_each_at_its_address()
    {
        var root = Directory.CreateTempSubdirectory("jobplatform-root-").FullName;
        await InstallAsync(root);
        await File.AppendAllTextAsync(Path.Combine(root, "etc/jobplatform/secrets.env"), "URLS=\"http://0.0.0.0:8080\"\n");

        var (code, said) = await RestartAsync(root, sick: "nobody", "jobplatform-web", "jobplatform-worker@1");

        Assert.That(code, Is.Zero, said);
        Assert.That(await File.ReadAllLinesAsync(Path.Combine(root, "told")), Is.EqualTo((string[])
        [
            "restart jobplatform-worker@3", "health --url http://127.0.0.1:5103", "restart jobplatform-worker@2", "health --url http://127.0.0.1:5102",
            "restart jobplatform-worker@1", "health --url http://127.0.0.1:5101", "restart jobplatform-web", "health --url http://0.0.0.0:8080",
        ]));
        Directory.Delete(root, recursive: true);
    }

    [Test]
    public async Task A_restart_stops_at_the_first_server_that_is_not_ready_says_where_to_look_and_leaves_the_others_alone()
    {
        var root = Directory.CreateTempSubdirectory("jobplatform-root-").FullName;
        await InstallAsync(root);

        var (code, said) = await RestartAsync(root, sick: "5102", "jobplatform-web");

        Assert.Multiple(() =>
        {
            Assert.That(code, Is.EqualTo(1));
            Assert.That(said, Does.Contain("jobplatform-worker@3 is ready.").And.Contain("jobplatform-worker@2 is not ready within 0 s (the database is away)").And.Contain("'journalctl -u jobplatform-worker@2'"));
            Assert.That(File.ReadAllLines(Path.Combine(root, "told")).Where(line => line.StartsWith("restart", StringComparison.Ordinal)),
                Is.EqualTo((string[])["restart jobplatform-worker@3", "restart jobplatform-worker@2"]));
        });
        Directory.Delete(root, recursive: true);
    }

    // The program says, like the real one, whether a server is ready: all but the sick one are.
    private static async Task<(int Code, string Output)> InstallAsync(string root, params string[] more)
    {
        var published = Directory.CreateDirectory(Path.Combine(root, "published")).FullName;
        await WriteProgramAsync(Path.Combine(published, "jobplatform"), """
            echo "$*" >>"$ROOT/told"
            case "$3" in *:"$SICK") echo "the database is away" >&2; exit 1 ;; esac
            """);
        return await Tool.RunAsync("bash", [Path.Combine(Folder, "install.sh"), "--binary", published, "--root", root, .. more]);
    }

    // Workers 2 and 3 run; 3 has failed.
    private static async Task<(int Code, string Output)> RestartAsync(string root, string sick, params string[] units)
    {
        var path = Directory.CreateDirectory(Path.Combine(root, "bin")).FullName;
        await WriteProgramAsync(Path.Combine(path, "systemctl"), """
            case "$1" in
                list-units) printf '%s\n' '  jobplatform-worker@2.service loaded active running JobPlatform worker 2' '* jobplatform-worker@3.service loaded failed failed JobPlatform worker 3' ;;
                *) echo "$*" >>"$ROOT/told" ;;
            esac
            """);
        var environment = new Dictionary<string, string> { ["PATH"] = $"{path}:{Environment.GetEnvironmentVariable("PATH")}", ["ROOT"] = root, ["SICK"] = sick, ["READY_SECONDS"] = "0" };
        return await Tool.RunAsync("bash", environment, [Path.Combine(root, "opt/jobplatform/restart.sh"), .. units]);
    }

    private static async Task WriteProgramAsync(string path, string text)
    {
        await File.WriteAllTextAsync(path, $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(path, OwnersProgram);
    }
}
