namespace JobPlatform.Handlers.Tests.Affiliates;

public sealed class ApproveConversionsTests
{
    [Test]
    public async Task Only_pending_ones_past_their_hold_whose_payment_was_not_refunded_are_approved_whatever_the_batch()
    {
        await using var bench = await HandlerBench.CreateAsync("approve-mature-affiliate-conversions", settings: new() { ["AFFILIATES_ENABLED"] = "true" });
        await bench.Database.ExecuteAsync(
            """
            INSERT INTO public.users (id, email, full_name) VALUES (1, 'a@example.com', 'A');
            INSERT INTO public.payments (id, amount, currency, paid_at, refunded_at) SELECT n, 1000, 'eur', @now, CASE WHEN n = 2 THEN @now END FROM generate_series(1, 6) n;
            INSERT INTO public.affiliate_conversions (affiliate_id, payment_id, commission, currency, status, hold_until) VALUES
                (1, 1, 200, 'eur', 'pending', @now), (1, 2, 200, 'eur', 'pending', @now), (1, 3, 200, 'eur', 'pending', @now + interval '1 second'),
                (1, 4, 200, 'eur', 'rejected', @now), (1, 5, 300, 'jpy', 'pending', @now - interval '1 day'), (1, 6, 50, 'eur', 'paid', @now);
            """, new { now = bench.Now });

        var output = (await bench.RunAsync("""{"batch_size": 1}""")).Output;

        Assert.That(output, Is.EqualTo("""{"approved":2,"commission":{"eur":200,"jpy":300},"refunded":1}"""));
        Assert.That(await bench.Database.ScalarAsync<string>("SELECT string_agg(status, ' ' ORDER BY id) FROM public.affiliate_conversions"),
            Is.EqualTo("approved pending pending rejected approved paid"));
        Assert.That((await bench.RunAsync()).Output, Does.StartWith("""{"approved":0,"""));
    }

    [Test]
    public async Task A_refund_that_is_being_written_counts()
    {
        await using var bench = await HandlerBench.CreateAsync("approve-mature-affiliate-conversions", settings: new() { ["AFFILIATES_ENABLED"] = "true" });
        await bench.Database.ExecuteAsync(
            """
            INSERT INTO public.users (id, email, full_name) VALUES (1, 'a@example.com', 'A');
            INSERT INTO public.payments (id, amount, currency, paid_at) VALUES (1, 1000, 'eur', @now);
            INSERT INTO public.affiliate_conversions (affiliate_id, payment_id, commission, currency, hold_until) VALUES (1, 1, 200, 'eur', @now);
            """, new { now = bench.Now });
        await using var refunder = await bench.Database.OpenAsync();
        await using var refund = await refunder.BeginTransactionAsync();
        await using var write = new Npgsql.NpgsqlCommand("UPDATE public.payments SET refunded_at = now()", refunder);
        await write.ExecuteNonQueryAsync();

        var run = bench.RunAsync();
        await bench.WaitForWaiterAsync();
        await refund.CommitAsync();

        Assert.That((await run).Output, Is.EqualTo("""{"approved":0,"commission":{},"refunded":1}"""));
    }

    [Test]
    public async Task Without_affiliates_the_handler_is_off()
    {
        await using var bench = await HandlerBench.CreateAsync("approve-mature-affiliate-conversions");

        Assert.That((await bench.RunAsync()).ErrorMessage(), Does.Contain("AFFILIATES_ENABLED=true"));
    }
}
