namespace JobPlatform.Handlers.Tests.Analytics;

public sealed class GenerateAnalyticsTests
{
    // What stands in a row of subscriptions where a case says nothing: 29.00 a month since long.
    private const string Plain = "status = 'active', amount = 2900, currency = 'eur', billing_interval = 'month', started_at = '2024-02-29Z'";

    // Expected in the currency's minor unit, at the end of 29 February 2028.
    [TestCase("a month", "", "eur", 2900)]
    [TestCase("several seats: the amount is of all of them", "quantity = 12, amount = 12 * 900", "eur", 10800)]
    [TestCase("a year", "billing_interval = 'year', amount = 120000", "eur", 10000)]
    [TestCase("a year that does not divide by twelve", "billing_interval = 'year', amount = 10000", "eur", 833)]
    [TestCase("two years", "billing_interval = 'year', interval_count = 2, amount = 240000", "eur", 10000)]
    [TestCase("a quarter", "interval_count = 3, amount = 9000", "eur", 3000)]
    [TestCase("a week: 52.1775 of them a year", "billing_interval = 'week', amount = 1000", "eur", 4348)]
    [TestCase("a day: 30.436875 of them a month", "billing_interval = 'day', amount = 1000", "eur", 30437)]
    [TestCase("four weeks", "billing_interval = 'week', interval_count = 4, amount = 4000", "eur", 4348)]
    [TestCase("no minor unit", "currency = 'jpy', billing_interval = 'year', amount = 12000", "jpy", 1000)]
    [TestCase("thousandths", "currency = 'kwd', amount = 12345", "kwd", 12345)]
    [TestCase("a fraction of a cent, rounded once", "amount = 2900.5", "eur", 2901)]
    [TestCase("changed in the midst of a period: the new price counts whole, prorations are no revenue that recurs", "amount = 9900, current_period_end = '2028-03-15Z'", "eur", 9900)]
    [TestCase("late with a payment", "status = 'past_due'", "eur", 2900)]
    [TestCase("cancelled to the period's end, which is to come", "cancel_at_period_end = true, current_period_end = '2028-03-01Z'", "eur", 2900)]
    [TestCase("begins on the leap day", "started_at = '2028-02-29T23:59:59Z'", "eur", 2900)]
    [TestCase("begins on the day after", "started_at = '2028-03-01T00:00:00Z'", null, 0)]
    [TestCase("ended on the leap day", "status = 'canceled', ended_at = '2028-02-29T12:00:00Z'", null, 0)]
    [TestCase("ended on the day after: it was paid at the end of the leap day", "status = 'canceled', ended_at = '2028-03-01T00:00:00Z'", "eur", 2900)]
    [TestCase("in trial", "status = 'trialing', trial_ends_at = '2028-03-05Z'", null, 0)]
    [TestCase("trial over on the leap day", "trial_ends_at = '2028-02-29T08:00:00Z'", "eur", 2900)]
    [TestCase("collection paused", "is_paused = true", null, 0)]
    [TestCase("paused after a trial without a card", "status = 'paused'", null, 0)]
    [TestCase("never paid", "status = 'incomplete'", null, 0)]
    [TestCase("given up", "status = 'unpaid'", null, 0)]
    [TestCase("for nothing", "amount = 0", "eur", 0)]
    public async Task Monthly_recurring_revenue(string what, string columns, string? currency, long expected)
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, columns);

        await bench.RunAsync("""{"from": "2028-02-29", "to": "2028-02-29"}""");

        var mrr = await ReadAsync(bench, "2028-02-29", "mrr");
        Assert.That(mrr, Is.EqualTo(currency is null ? "{}" : $$"""{"{{currency}}": {{expected}}}"""), what);
    }

    [TestCase("2027-02-28")]
    [TestCase("2028-02-29")]
    [TestCase("2028-01-31")]
    [TestCase("2027-04-30")]
    public async Task Revenue_is_the_same_at_the_end_of_every_month_however_many_days_it_has(string day)
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, "");
        await AddAsync(bench, "billing_interval = 'year', amount = 120000");
        await AddAsync(bench, "billing_interval = 'day', amount = 100, currency = 'usd'");

        await bench.RunAsync($$"""{"from": "{{day}}", "to": "{{day}}"}""");

        Assert.That(await ReadAsync(bench, day, "mrr"), Is.EqualTo("""{"eur": 12900, "usd": 3044}"""));
    }

    [Test]
    public async Task The_sum_is_rounded_and_not_its_parts()
    {
        await using var bench = await StartAsync();
        for (var i = 0; i < 12; i++) await AddAsync(bench, "billing_interval = 'year', amount = 100");

        await bench.RunAsync("""{"from": "2028-01-01", "to": "2028-01-01"}""");

        Assert.That(await ReadAsync(bench, "2028-01-01", "mrr"), Is.EqualTo("""{"eur": 100}"""));
    }

    [Test]
    public async Task Users_and_tokens_of_a_day_are_those_within_its_24_hours()
    {
        await using var bench = await StartAsync();
        await bench.Database.ExecuteAsync(
            """
            INSERT INTO public.users (id, email, full_name, created_at, last_seen_at) VALUES
                (10, 'a@example.com', 'A', '2028-02-28T23:59:59Z', '2028-02-29T00:00:00Z'), (11, 'b@example.com', 'B', '2028-02-29T00:00:00Z', NULL),
                (12, 'c@example.com', 'C', '2028-02-29T23:59:59Z', '2028-03-01T00:00:00Z'), (13, 'd@example.com', 'D', '2028-03-01T00:00:00Z', '2028-03-01T00:00:00Z');
            INSERT INTO public.chats (id, user_id, model) VALUES (1, 12, 'm');
            INSERT INTO public.chat_sessions (chat_id, user_id, client, started_at, updated_at) VALUES (1, 12, 'web', '2028-02-29T23:00:00Z', '2028-03-01T01:00:00Z');
            INSERT INTO public.ai_requests (user_id, provider, model, status, input_tokens, output_tokens, created_at) VALUES
                (11, 'openai', 'm', 'succeeded', 10, 1, '2028-02-29T00:00:00Z'), (11, 'openai', 'm', 'failed', 0, 0, '2028-02-29T10:00:00Z'),
                (NULL, 'google', 'm', 'succeeded', 5, 7, '2028-02-29T23:59:59Z'), (13, 'openai', 'm', 'succeeded', 99, 99, '2028-03-01T00:00:00Z');
            """);

        await bench.RunAsync("""{"from": "2028-02-29", "to": "2028-02-29"}""");

        Assert.That(await bench.Database.ScalarAsync<string>("SELECT concat_ws(' ', users_total, users_new, users_active) FROM public.daily_analytics"), Is.EqualTo("4 2 3"));
        Assert.That(await ReadAsync(bench, "2028-02-29", "tokens"),
            Is.EqualTo("""{"google": {"input": 5, "output": 7, "requests": 1}, "openai": {"input": 10, "output": 1, "requests": 2}}"""));
    }

    [Test]
    public async Task A_day_that_is_run_again_is_replaced_and_a_range_is_filled_with_progress()
    {
        await using var bench = await StartAsync();
        await AddAsync(bench, "");
        await bench.RunAsync("""{"from": "2028-02-28", "to": "2028-03-01"}""");
        await AddAsync(bench, "");

        var output = (await bench.RunAsync("""{"from": "2028-03-01", "to": "2028-03-01"}""")).Output;

        Assert.That(output, Is.EqualTo("""{"days":1,"from":"2028-03-01","to":"2028-03-01"}"""));
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT string_agg(day || ' ' || (mrr->>'eur'), ', ' ORDER BY day) FROM public.daily_analytics"),
            Is.EqualTo("2028-02-28 2900, 2028-02-29 2900, 2028-03-01 5800"));
    }

    [Test]
    public async Task Without_a_range_it_is_yesterday()
    {
        await using var bench = await StartAsync();

        await bench.RunAsync();

        Assert.That(await bench.Database.ScalarAsync<DateTime>("SELECT day::timestamp FROM public.daily_analytics"), Is.EqualTo(bench.Now.UtcDateTime.Date.AddDays(-1)));
    }

    [TestCase("""{"to": "2028-03-01"}""", "to: \"2028-03-01\" is not allowed.")]
    [TestCase("""{"from": "2028-03-01", "to": "2028-02-01"}""", "to: \"2028-02-01\" is not allowed.")]
    [TestCase("""{"from": "2000-01-01", "to": "2028-02-01"}""", "At most 3660 days")]
    [TestCase("""{"from": "2199-01-01", "to": "2199-01-01"}""", "to: 2199-01-01 is not over yet")]
    public async Task Impossible_ranges_are_refused_by_name(string payload, string message)
    {
        await using var bench = await StartAsync();

        Assert.That((await bench.RunAsync(payload)).ErrorMessage(), Does.Contain(message));
    }

    private static async Task<HandlerBench> StartAsync()
    {
        var bench = await HandlerBench.CreateAsync("generate-analytics");
        bench.Clock.Set(new DateTimeOffset(2028, 6, 1, 1, 0, 0, TimeSpan.Zero));
        await bench.Database.ExecuteAsync(
            """
            INSERT INTO public.users (id, email, full_name, created_at) VALUES (1, 'owner@example.com', 'O', '2020-01-01Z');
            INSERT INTO public.accounts (id, name, owner_id) VALUES (1, 'Account', 1);
            """);
        return bench;
    }

    private static Task AddAsync(HandlerBench bench, string columns) => bench.Database.ExecuteAsync(
        $"""
        WITH added AS (SELECT 'sub_' || gen_random_uuid() AS id)
        INSERT INTO public.subscriptions (account_id, stripe_subscription_id, stripe_customer_id, status, plan, amount, currency, billing_interval, started_at)
        SELECT 1, id, 'cus_1', 'new', 'p', 0, 'eur', 'month', '2024-02-29Z' FROM added;
        UPDATE public.subscriptions SET {Plain} WHERE status = 'new' RETURNING id;
        """ + (columns.Length == 0 ? "" : $"UPDATE public.subscriptions SET {columns} WHERE id = (SELECT max(id) FROM public.subscriptions)"));

    private static Task<string?> ReadAsync(HandlerBench bench, string day, string column) =>
        bench.Database.ScalarAsync<string>($"SELECT {column}::text FROM public.daily_analytics WHERE day = '{day}'");
}
