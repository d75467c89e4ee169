using JobPlatform.Core.Settings;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Tests.Settings;

public sealed class PlatformSettingsTests
{
    private const string HangfireMissing =
        "ENGINE: 'hangfire' is not in this build. Build with -p:HangfireEngine=true where its packages restore, or set ENGINE=embedded.";

    [TestCase("CRON_SECRET", "short", "CRON_SECRET: it has 5 characters")]
    [TestCase("CRON_SECRET", "your-secret-key-here-0123456789abcdef", "CRON_SECRET: it begins like a placeholder")]
    [TestCase("WORKER_QUEUES", ",", "WORKER_QUEUES: ',' names no queue")]
    [TestCase("WORKER_QUEUES", "mail,Slow Jobs", "WORKER_QUEUES: 'Slow Jobs' is no queue's name")]
    [TestCase("ENGINE", "hangfire", HangfireMissing)]
    [TestCase("ENGINE", "hangfir", "ENGINE: 'hangfir' is not one of auto, hangfire, embedded. Did you mean hangfire?")]
    [TestCase("TRUSTED_PROXIES", "10.0.0.1, nginx", "TRUSTED_PROXIES: 'nginx' is not an address")]
    [TestCase("OIDC_AUTHORITY", "http://sso.example.com", "OIDC_AUTHORITY: 'http://sso.example.com/' is not encrypted")]
    [TestCase("OIDC_AUTHORITY", "https://sso.example.com", "OIDC_ADMINS: neither it nor OIDC_VIEWERS is set")]
    [TestCase("OIDC_AUTHORITY", "https://sso.example.com", "OIDC_CLIENT_SECRET: it is not set")]
    [TestCase("RECENT_AUTH_MINUTES", "0", "RECENT_AUTH_MINUTES: '0' is not a whole number from 1 to 1440.")]
    public void A_setting_that_would_do_nothing_or_harm_is_a_fault(string name, string value, string fault) =>
        Assert.That(Read(name, value).Faults, Has.One.StartsWith(fault));

    [TestCase("ENGINE", "auto")]
    [TestCase("ENGINE", "Embedded")]
    [TestCase("WORKER_QUEUES", "mail, slow.jobs-2")]
    [TestCase("TRUSTED_PROXIES", "10.0.0.1, 192.168.0.0/16, ::1, fd00::/8")]
    [TestCase("CRON_SECRET", "kept-4Zt8Lq2Xw9Bn6Vc1Md5Fg7Hj3Ks0")]
    public void A_good_setting_is_none(string name, string value) => Assert.That(Read(name, value).Faults, Is.Empty);

    [Test]
    public void An_engine_that_is_built_in_may_be_asked_for()
    {
        var settings = PlatformSettings.Read(Configure("ENGINE", "hangfire"), "embedded", "hangfire");

        Assert.That(settings.Faults, Is.Empty);
        Assert.That(settings.Engine, Is.EqualTo("hangfire"));
    }

    private static PlatformSettings Read(string name, string value) => PlatformSettings.Read(Configure(name, value));

    private static IConfiguration Configure(string name, string value) => new ConfigurationBuilder().AddInMemoryCollection(
        [new("ConnectionStrings:Platform", "Host=localhost;Database=d;Username=u"), new(name, value)]).Build();
}
