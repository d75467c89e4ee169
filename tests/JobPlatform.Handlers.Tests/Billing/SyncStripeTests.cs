using System.Text.Json;
using JobPlatform.Core.Runs;

namespace JobPlatform.Handlers.Tests.Billing;

public sealed class SyncStripeTests
{
    private static readonly DateTimeOffset Start = new(2025, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public async Task After_a_sync_through_throttling_and_failures_the_local_rows_equal_the_remote_ones_and_equal_rows_were_not_written()
    {
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub, time: TimeProvider.System);
        await bench.AddAccountsAsync(350);
        for (var n = 1; n <= 350; n++) stub.Put(Various(n), tells: false);
        Assert.That((await bench.RunAsync()).OutputJson().GetProperty("inserted").GetInt32(), Is.EqualTo(350));
        Assert.That(await bench.LocalLinesAsync(), Is.EqualTo(Lines(stub)));
        var versions = await VersionsAsync(bench);

        stub.Put(Various(3) with { Status = "past_due" }, tells: false);
        stub.Put(Various(120) with { Quantity = 7, LookupKey = "business_year" }, tells: false);
        stub.Put(Various(349) with { CancelAtPeriodEnd = true }, tells: false);
        await bench.Database.ExecuteAsync("DELETE FROM public.subscriptions WHERE stripe_subscription_id = 'sub_00200'");
        stub.Fail(2, 429, retryAfter: 1);
        stub.Fail(1, 500);
        var asked = stub.Requests.Count;
        var output = (await bench.RunAsync()).OutputJson();

        Assert.Multiple(async () =>
        {
            Assert.That(output.ToString(), Does.StartWith("""{"checked":350,"updated":3,"inserted":1,"orphaned":0,"unknown_customers":0,"mails":0,"""));
            Assert.That(Change(output, "sub_00003").GetProperty("differences").ToString(), Is.EqualTo("""{"status":["active","past_due"]}"""));
            Assert.That(Change(output, "sub_00120").GetProperty("differences").GetProperty("quantity").ToString(), Is.EqualTo("[1,7]"));
            Assert.That(Change(output, "sub_00200").GetProperty("kind").GetString(), Is.EqualTo("inserted"));
            Assert.That(await bench.LocalLinesAsync(), Is.EqualTo(Lines(stub)));
            var written = (await VersionsAsync(bench)).Except(versions).Select(line => line.Split(' ')[0]);
            Assert.That(written, Is.EquivalentTo((string[])["sub_00003", "sub_00120", "sub_00200", "sub_00349"]), "by their row versions");
            Assert.That(stub.Requests.Count - asked, Is.EqualTo(4 + 3 + 1), "four pages, three failures, the events");
            Assert.That(stub.Requests.Select(request => request.Headers["Stripe-Version"]).Distinct(), Is.EqualTo((string[])["2025-03-31.basil"]));
        });
    }

    [Test]
    public async Task What_changes_between_two_pages_is_read_again()
    {
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub, time: TimeProvider.System);
        await bench.AddAccountsAsync(260);
        for (var n = 1; n <= 250; n++) stub.Put(Various(n), tells: false);
        stub.PageGiven = page =>
        {
            if (page != 2) return;
            stub.Put(Various(250) with { Status = "canceled", EndedAt = Start.AddDays(500) }); // Of the first page.
            stub.Put(Various(251)); // In front of it.
            stub.Put(Various(10) with { Quantity = 42 }); // Still to come.
        };

        var output = (await bench.RunAsync()).OutputJson();

        Assert.That(output.GetProperty("checked").GetInt32(), Is.EqualTo(251));
        Assert.That(await bench.LocalLinesAsync(), Is.EqualTo(Lines(stub)));
    }

    [Test]
    public async Task Local_rows_unknown_to_Stripe_and_customers_unknown_here_are_reported_and_left_alone()
    {
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub);
        await bench.AddAccountsAsync(2);
        stub.Put(Various(1), tells: false);
        stub.Put(Various(2), tells: false);
        await bench.RunAsync();
        stub.Put(Various(3), tells: false);
        await bench.Database.ExecuteAsync("UPDATE public.subscriptions SET stripe_subscription_id = 'sub_lost' WHERE stripe_subscription_id = 'sub_00002'; UPDATE public.accounts SET stripe_customer_id = NULL WHERE id = 2");

        var output = (await bench.RunAsync()).OutputJson();

        Assert.That(output.GetProperty("orphaned").GetInt32(), Is.EqualTo(1));
        Assert.That(output.GetProperty("unknown_customers").GetInt32(), Is.EqualTo(2), "of the account that has lost its customer, and of one that was never here");
        Assert.That(Change(output, "sub_lost").ToString(), Is.EqualTo("""{"subscription":"sub_lost","kind":"orphaned","detail":"active"}"""));
        Assert.That(await bench.Database.ScalarAsync<int>("SELECT count(*) FROM public.subscriptions"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_sync_of_one_customer_reads_and_writes_that_customers_rows_alone()
    {
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub);
        await bench.AddAccountsAsync(3);
        for (var n = 1; n <= 3; n++) stub.Put(Various(n), tells: false);

        var output = (await bench.RunAsync("""{"customer": "cus_2"}""")).OutputJson();

        Assert.That(output.ToString(), Does.StartWith("""{"checked":1,"updated":0,"inserted":1,"orphaned":0,"unknown_customers":0"""));
        Assert.That(await bench.LocalLinesAsync(), Is.EqualTo((string[])[BillingBench.LineOf(Various(2))]));
        Assert.That((await bench.RunAsync("""{"customer": "user@example.com"}""")).ErrorMessage(), Does.Contain("customer: \"user@example.com\" is not allowed."));
    }

    [TestCase(null, "STRIPE_SECRET_KEY: it is not set.")]
    [TestCase("sk_test_wrongwrongwrongwrong", "STRIPE_SECRET_KEY: Stripe does not know this key (request req_stub).")]
    public async Task A_key_that_is_missing_or_wrong_fails_for_good_with_a_sentence_that_names_the_setting(string? key, string message)
    {
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub, key);

        var ending = await bench.RunAsync();

        Assert.That(ending.Status, Is.EqualTo(RunStatus.Failed));
        Assert.That(ending.ErrorMessage(), Does.StartWith(message));
        Assert.That(ending.Error, Does.Not.Contain("sk_test_wrong"));
        Assert.That(stub.Requests, Has.Count.LessThanOrEqualTo(1), "it is not tried again");
    }

    [Test]
    public async Task An_answer_that_is_none_of_Stripes_writes_nothing_and_says_so()
    {
        await using var other = await HttpReceiver.StartAsync(http => Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(http.Response, """{"hello": "world"}"""));
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub, configure: services =>
            Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton(services, new Core.Stripe.StripeSettings { ApiUrl = new($"http://127.0.0.1:{other.Port}"), SecretKey = StripeStub.Key }));

        Assert.That((await bench.RunAsync()).ErrorMessage(), Does.Contain("is not of the form that Stripe gives").And.Contain("STRIPE_API_URL"));
    }

    [Test]
    public async Task Items_beyond_the_first_page_and_of_another_pace_count_in_the_amount()
    {
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub);
        await bench.AddAccountsAsync(1);
        stub.Put(new("sub_1", "cus_1") { UnitAmount = 12000, Interval = "year", AddOns = [(100, "month"), (50.5m, "year")], ShownItems = 1 }, tells: false);

        await bench.RunAsync();

        Assert.That(await bench.Database.ScalarAsync<decimal>("SELECT amount FROM public.subscriptions"), Is.EqualTo(12000 + 12 * 100 + 50.5m));
    }

    [Test]
    public async Task The_output_lists_as_many_changes_as_it_is_told_and_counts_all()
    {
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub);
        await bench.AddAccountsAsync(30);
        for (var n = 1; n <= 30; n++) stub.Put(Various(n), tells: false);

        var output = (await bench.RunAsync("""{"list_limit": 5}""")).OutputJson();

        Assert.That((output.GetProperty("inserted").GetInt32(), output.GetProperty("changes").GetArrayLength()), Is.EqualTo((30, 5)));
    }

    [Test]
    public async Task Owners_hear_in_their_language_of_failed_payments_cancellations_and_other_plans_where_it_is_asked_for()
    {
        await using var stub = await StripeStub.StartAsync();
        await using var bench = await BillingBench.CreateAsync("sync-stripe", stub);
        await bench.AddAccountsAsync(4, locale: "de");
        for (var n = 1; n <= 4; n++) stub.Put(Various(n), tells: false);
        await bench.RunAsync();
        stub.Put(Various(1) with { Status = "past_due" }, tells: false);
        stub.Put(Various(2) with { Status = "canceled", EndedAt = Start.AddDays(500) }, tells: false);
        stub.Put(Various(3) with { LookupKey = "business_year" }, tells: false);

        var output = (await bench.RunAsync("""{"notify_owners": true}""")).OutputJson();

        Assert.That(output.GetProperty("mails").GetInt32(), Is.EqualTo(3));
        Assert.That(await bench.MailsAsync(), Is.EqualTo(
            """
            user1@example.com: Ihre Zahlung für pro_month ist fehlgeschlagen
            user2@example.com: Ihr Abonnement pro_month ist gekündigt
            user3@example.com: Ihr Tarif ist jetzt business_year
            """));
        Assert.That((await bench.RunAsync("""{"notify_owners": true}""")).OutputJson().GetProperty("mails").GetInt32(), Is.Zero);
    }

    private static StubSubscription Various(int n) => new($"sub_{n:D5}", $"cus_{n}")
    {
        StartedAt = Start.AddHours(n), Currency = n % 3 == 0 ? "jpy" : "eur", UnitAmount = n % 50 == 7 ? 12.5m : 900 + n, Quantity = n % 40 == 5 ? 12 : 1,
        TrialEndsAt = n % 7 == 0 ? Start.AddDays(40) : null, IsPaused = n % 90 == 8,
        Status = n % 30 == 11 ? "canceled" : "active", EndedAt = n % 30 == 11 ? Start.AddDays(100) : null,
    };

    private static string[] Lines(StripeStub stub) => [.. stub.Rows.Select(BillingBench.LineOf).Order(StringComparer.Ordinal)];

    private static async Task<HashSet<string>> VersionsAsync(HandlerBench bench) =>
        [.. (await bench.Database.ScalarAsync<string>("SELECT string_agg(stripe_subscription_id || ' ' || xmin || ' ' || ctid, E'\n') FROM public.subscriptions"))!.Split('\n')];

    private static JsonElement Change(JsonElement output, string id) =>
        output.GetProperty("changes").EnumerateArray().Single(change => change.GetProperty("subscription").GetString() == id);
}
