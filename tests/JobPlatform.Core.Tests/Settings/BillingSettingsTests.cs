using JobPlatform.Core.Settings;
using Microsoft.Extensions.Configuration;

namespace JobPlatform.Core.Tests.Settings;

public sealed class BillingSettingsTests
{
    private const string Live = "sk_live_0123456789abcdef";

    [TestCase("Development", Live, null, "STRIPE_SECRET_KEY: it is a live key, and ENVIRONMENT is Development")]
    [TestCase("Development", "rk_live_0123456789abcdef", null, "STRIPE_SECRET_KEY: it is a live key")]
    [TestCase("Development", Live, "true", null)]
    [TestCase("Production", Live, null, null)]
    [TestCase("Development", "sk_test_0123456789abcdef", null, null)]
    [TestCase("Production", "pk_live_0123456789abcdef", null, "STRIPE_SECRET_KEY: it is a publishable key")]
    [TestCase("Production", "my-secret-key", null, "STRIPE_SECRET_KEY: it is no key of Stripe")]
    [TestCase("Production", "sk_live_", null, "STRIPE_SECRET_KEY: it is cut off")]
    [TestCase("Production", "sk_live_0123456789\nabcdef", null, "STRIPE_SECRET_KEY: it is cut off or holds characters")]
    public void Keys_of_Stripe_are_told_apart_and_never_shown(string environment, string key, string? allow, string? fault)
    {
        var faults = Read(new() { ["ENVIRONMENT"] = environment, ["STRIPE_SECRET_KEY"] = key, ["STRIPE_ALLOW_LIVE"] = allow }).Faults;

        if (fault is null) Assert.That(faults, Is.Empty);
        else Assert.That(faults.Single(), Does.StartWith(fault).And.Not.Contain("0123456789"));
    }

    [TestCase("STRIPE_WEBHOOK_SECRET", "secret", "STRIPE_WEBHOOK_SECRET: it is no signing secret")]
    [TestCase("STRIPE_API_URL", "http://stripe.example.com", "STRIPE_API_URL: 'http://stripe.example.com' is not an https address")]
    [TestCase("OPENAI_API_URL", "openai", "OPENAI_API_URL: 'openai' is not an https address")]
    [TestCase("ADMIN_EMAILS", "ada@example.com,bob", "ADMIN_EMAILS: 'bob' is not an address")]
    [TestCase("DEFAULT_LOCALE", "ja", "DEFAULT_LOCALE: 'ja' is none that texts exist in: en, de, es, fr")]
    public void What_cannot_be_meant_is_refused_by_name(string name, string value, string fault) =>
        Assert.That(Read(new() { [name] = value }).Faults.Single(), Does.StartWith(fault));

    [Test]
    public void VAPID_keys_must_be_a_pair_and_complete()
    {
        var (publicKey, privateKey) = VapidSettings.CreateKeys();
        var (_, otherKey) = VapidSettings.CreateKeys();

        Assert.That(Read(new() { ["VAPID_PUBLIC_KEY"] = publicKey, ["VAPID_PRIVATE_KEY"] = privateKey, ["VAPID_SUBJECT"] = "mailto:a@example.com" }).Vapid!.PublicKey.Length, Is.EqualTo(65));
        Assert.That(Read(new() { ["VAPID_PUBLIC_KEY"] = publicKey, ["VAPID_PRIVATE_KEY"] = otherKey, ["VAPID_SUBJECT"] = "mailto:a@example.com" }).Faults.Single(), Does.StartWith("VAPID_PRIVATE_KEY: it does not belong"));
        Assert.That(Read(new() { ["VAPID_PUBLIC_KEY"] = publicKey }).Faults, Has.Count.EqualTo(2));
        Assert.That(Read(new() { ["VAPID_PUBLIC_KEY"] = "abc", ["VAPID_PRIVATE_KEY"] = privateKey, ["VAPID_SUBJECT"] = "ops" }).Faults, Has.Count.EqualTo(2));
    }

    [Test]
    public void Only_providers_with_a_key_are_there()
    {
        var providers = Read(new() { ["OPENAI_API_KEY"] = "key-0123456789", ["GOOGLE_API_KEY"] = "" }).AiProviders;

        Assert.That(providers.Select(provider => $"{provider}"), Is.EqualTo((string[])["openai at https://api.openai.com/"]));
    }

    private static PlatformSettings Read(Dictionary<string, string?> settings)
    {
        settings["ConnectionStrings:Platform"] = "Host=localhost;Database=d;Username=u;Password=p";
        return PlatformSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
    }
}
