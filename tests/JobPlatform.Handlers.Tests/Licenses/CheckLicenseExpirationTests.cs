using JobPlatform.Handlers.Tests.Billing;

namespace JobPlatform.Handlers.Tests.Licenses;

public sealed class CheckLicenseExpirationTests
{
    private static readonly Dictionary<string, string?> Open = new() { ["BILLING_MODEL"] = "hybrid" };

    [Test]
    public async Task Each_warning_comes_once_at_7_3_and_1_days_and_then_the_end()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 1, bench.Now.AddDays(8).AddHours(1));

        for (var day = 0; day < 10; day++)
        {
            await bench.RunAsync();
            await bench.RunAsync();
            bench.Clock.Advance(TimeSpan.FromDays(1));
        }

        Assert.That(await bench.MailsAsync(), Is.EqualTo(
            """
            user1@example.com: Your licence for Desktop ends in 7 days
            user1@example.com: Your licence for Desktop ends in 3 days
            user1@example.com: Your licence for Desktop ends in 1 day
            user1@example.com: Your licence for Desktop has expired
            """));
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT status FROM public.licenses"), Is.EqualTo("expired"));
    }

    [Test]
    public async Task After_missed_days_the_latest_warning_stands_for_those_before_it_and_says_the_days_that_are_left()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 1, bench.Now.AddDays(2)); // The run that would have warned at 7 days never was.

        Assert.That((await bench.RunAsync()).Output, Does.Contain("""{"1":0,"3":1,"7":0}"""));
        await bench.RunAsync();

        Assert.That(await bench.MailsAsync(), Is.EqualTo("user1@example.com: Your licence for Desktop ends in 2 days"));
        bench.Clock.Advance(TimeSpan.FromHours(30));
        await bench.RunAsync();
        Assert.That(await bench.MailsAsync(), Does.EndWith("ends in 1 day"));
    }

    [Test]
    public async Task A_renewed_licence_is_warned_about_anew_and_a_revoked_one_never()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, 1, bench.Now.AddDays(3));
        await AddAsync(bench, 2, bench.Now.AddDays(3));
        await bench.Database.ExecuteAsync("UPDATE public.licenses SET status = 'revoked' WHERE account_id = 2");
        await bench.RunAsync();
        await bench.Database.ExecuteAsync("UPDATE public.licenses SET expires_at = expires_at + interval '365 days'");

        await bench.RunAsync();
        bench.Clock.Advance(TimeSpan.FromDays(365));
        await bench.RunAsync();

        Assert.That(await bench.Database.ScalarAsync<string>("SELECT string_agg(to_address, ' ') FROM jobplatform.pending_emails"), Is.EqualTo("user1@example.com user1@example.com"));
    }

    [Test]
    public async Task The_mail_is_in_the_owners_language_unless_the_payload_says_another()
    {
        await using var bench = await StartAsync("es");
        await AddAsync(bench, 1, bench.Now.AddDays(7));
        await bench.RunAsync();
        await AddAsync(bench, 2, bench.Now.AddDays(7));
        await bench.RunAsync("""{"locale": "de-CH"}""");

        Assert.That(await bench.MailsAsync(), Is.EqualTo("user1@example.com: Su licencia de Desktop vence en 7 días\nuser2@example.com: Ihre Lizenz für Desktop endet in 7 Tagen"));
    }

    [Test]
    public async Task A_run_that_dies_after_the_mails_were_queued_queues_none_again()
    {
        await using var bench = await StartAsync();
        for (var account = 1; account <= 3; account++) await AddAsync(bench, account, bench.Now.AddDays(3));
        await bench.Database.ExecuteAsync(
            """
            CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
            CREATE TRIGGER die AFTER INSERT ON public.license_warnings FOR EACH STATEMENT EXECUTE FUNCTION die();
            """);
        Assert.That((await bench.RunAsync()).Status, Is.Not.EqualTo(Core.Runs.RunStatus.Success));
        await bench.Database.ExecuteAsync("DROP TRIGGER die ON public.license_warnings");

        await bench.RunAsync("""{"batch_size": 1}""");

        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM jobplatform.pending_emails"), Is.EqualTo(3));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.license_warnings"), Is.EqualTo(3));
    }

    [Test]
    public async Task Without_a_billing_model_of_licences_the_handler_is_off()
    {
        await using var bench = await BillingBench.CreateAsync("check-license-expiration", settings: new() { ["BILLING_MODEL"] = "subscription" });

        Assert.That((await bench.RunAsync()).ErrorMessage(), Does.Contain("BILLING_MODEL=license|hybrid"));
    }

    [TestCase("""{"warn_days": [0]}""")]
    [TestCase("""{"warn_days": [3, 3]}""")]
    [TestCase("""{"warn_days": []}""")]
    public async Task Impossible_days_are_refused_by_name(string payload)
    {
        await using var bench = await StartAsync();

        Assert.That((await bench.RunAsync(payload)).ErrorMessage(), Does.Contain("warn_days:"));
    }

    private static async Task<HandlerBench> StartAsync(string locale = "en")
    {
        var bench = await BillingBench.CreateAsync("check-license-expiration", settings: Open);
        await bench.AddAccountsAsync(3, locale);
        return bench;
    }

    private static Task AddAsync(HandlerBench bench, int account, DateTimeOffset expiresAt) =>
        bench.Database.ExecuteAsync("INSERT INTO public.licenses (account_id, product, expires_at) VALUES (@account, 'Desktop', @expiresAt)", new { account, expiresAt });
}
