using System.Text.RegularExpressions;
using JobPlatform.Core.Settings;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Server.Tests.Admin;

public sealed partial class ShownSettingsTests
{
    private static readonly SecretRedactor Redactor = new([]);

    [Test]
    public void Every_setting_that_is_read_is_shown()
    {
        var recorder = new Recorder();
        PlatformSettings.Read(new ConfigurationRoot([recorder]));

        Assert.That(recorder.Names.Except(ShownSettings.Of(new ConfigurationBuilder().Build(), Redactor).Select(setting => setting.Name)), Is.Empty);
    }

    [Test]
    public void Every_setting_of_the_readme_is_shown()
    {
        var table = File.ReadAllText(Path.Combine(TestCluster.RepositoryRoot, "README.md")).Split("| setting | default | meaning |")[1].Split("\n\n")[0];
        var names = NamesInBackticks().Matches(table).Select(match => match.Groups[1].Value.Replace("__", ":", StringComparison.Ordinal)).ToHashSet();

        Assert.That(names, Does.Contain("REDIS_URL"));
        Assert.That(names.Except(ShownSettings.Of(new ConfigurationBuilder().Build(), Redactor).Select(setting => setting.Name)), Is.Empty);
    }

    [TestCase("JOBS_SECRET_KEY", "a-very-secret-text", "set, not shown")]
    [TestCase("SMTP_URL", "smtp://ada:very-secret@mail.example.com:587", "smtp://mail.example.com:587")]
    [TestCase("BLOB_URL", "s3://key:very-secret@store.example.com/bucket", "s3://store.example.com")]
    [TestCase("ConnectionStrings:App", "Host=db;Database=shop;Username=ada;Password=very-secret", "database shop at db:5432, as ada")]
    [TestCase("ConnectionStrings:App", "very-secret", "set, and cannot be read")]
    public void Of_a_secret_nothing_is_shown(string name, string value, string shown)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [name] = value }).Build();

        Assert.That(ShownSettings.Of(configuration, Redactor).Single(setting => setting.Name == name).Value, Is.EqualTo(shown));
    }

    [GeneratedRegex("`(ConnectionStrings__[A-Za-z]+|[A-Z]+_[A-Z_]+|ROLE|ENGINE|LISTEN|ENVIRONMENT)`")]
    private static partial Regex NamesInBackticks();

    // Single sign-on's own settings are read where it is set.
    private sealed class Recorder : ConfigurationProvider
    {
        public HashSet<string> Names { get; } = [];

        public override bool TryGet(string key, out string? value)
        {
            Names.Add(key);
            value = key == "OIDC_AUTHORITY" ? "https://sign-in.example.com" : null;
            return value is not null;
        }
    }
}
