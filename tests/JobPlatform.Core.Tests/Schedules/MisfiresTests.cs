using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Tests.Schedules;

public sealed class MisfiresTests
{
    private static readonly DateTimeOffset Noon = new(2024, 5, 5, 12, 0, 0, TimeSpan.Zero);
    private static readonly CronExpression Hourly = CronExpression.Parse("0 * * * *", "x");
    private static readonly CronExpression EverySecond = CronExpression.Parse("* * * * * *", "x");

    [Test]
    public void A_due_time_within_the_grace_is_on_time_under_every_policy([Values] MisfirePolicy policy,
        [Values(0, 3, 10)] int secondsLate)
    {
        var plan = Plan(Hourly, Noon, Noon.AddSeconds(secondsLate), policy);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(new[] { Noon }));
            Assert.That(plan.Skipped, Is.Null);
            Assert.That(plan.Next, Is.EqualTo(Noon.AddHours(1)));
        });
    }

    [Test]
    public void A_due_time_one_tick_beyond_the_grace_is_missed()
    {
        var now = Noon.AddSeconds(10).AddTicks(1);

        Assert.Multiple(() =>
        {
            Assert.That(Plan(Hourly, Noon, now, MisfirePolicy.One).Due, Is.EqualTo(new[] { Noon }));
            Assert.That(Plan(Hourly, Noon, now, MisfirePolicy.Skip).Due, Is.Empty);
            Assert.That(Plan(Hourly, Noon, now, MisfirePolicy.Skip).Skipped,
                Is.EqualTo(new SkippedDueTimes(1, false, Noon, Noon)));
            Assert.That(Plan(Hourly, Noon, now, MisfirePolicy.All).Due, Is.EqualTo(new[] { Noon }));
        });
    }

    [Test]
    public void One_runs_the_latest_missed_due_time_and_counts_the_others()
    {
        var plan = Plan(Hourly, Noon, Noon.AddHours(5.5), MisfirePolicy.One);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(new[] { Noon.AddHours(5) }));
            Assert.That(plan.Skipped, Is.EqualTo(new SkippedDueTimes(5, false, Noon, Noon.AddHours(4))));
            Assert.That(plan.Next, Is.EqualTo(Noon.AddHours(6)));
        });
    }

    [Test]
    public void One_lets_a_due_time_that_is_on_time_stand_for_the_missed_ones()
    {
        var plan = Plan(Hourly, Noon, Noon.AddHours(5).AddSeconds(2), MisfirePolicy.One);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(new[] { Noon.AddHours(5) }));
            Assert.That(plan.Skipped, Is.EqualTo(new SkippedDueTimes(5, false, Noon, Noon.AddHours(4))));
        });
    }

    [Test]
    public void Skip_runs_only_what_is_on_time()
    {
        var plan = Plan(Hourly, Noon, Noon.AddHours(5).AddSeconds(2), MisfirePolicy.Skip);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(new[] { Noon.AddHours(5) }));
            Assert.That(plan.Skipped, Is.EqualTo(new SkippedDueTimes(5, false, Noon, Noon.AddHours(4))));
            Assert.That(Plan(Hourly, Noon, Noon.AddHours(5.5), MisfirePolicy.Skip).Due, Is.Empty);
        });
    }

    [Test]
    public void All_runs_every_missed_due_time_in_order()
    {
        var plan = Plan(Hourly, Noon, Noon.AddHours(3).AddSeconds(2), MisfirePolicy.All);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(Enumerable.Range(0, 4).Select(hour => Noon.AddHours(hour))));
            Assert.That(plan.Skipped, Is.Null);
        });
    }

    [Test]
    public void All_leaves_out_what_is_older_than_the_age_limit()
    {
        var plan = Plan(Hourly, Noon, Noon.AddHours(30), MisfirePolicy.All);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(Enumerable.Range(6, 25).Select(hour => Noon.AddHours(hour))));
            Assert.That(plan.Skipped, Is.EqualTo(new SkippedDueTimes(6, false, Noon, Noon.AddHours(5))));
        });
    }

    [Test]
    public void All_runs_the_newest_up_to_the_cap_beside_those_on_time()
    {
        var limits = MisfireLimits.Default with { Cap = 2 };
        var none = limits with { Cap = 0 };

        var plan = Misfires.Plan(Hourly, TimeZoneInfo.Utc, Noon, Noon.AddHours(9), MisfirePolicy.All, limits);
        var planOfNone = Misfires.Plan(Hourly, TimeZoneInfo.Utc, Noon, Noon.AddHours(9), MisfirePolicy.All, none);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(new[] { Noon.AddHours(7), Noon.AddHours(8), Noon.AddHours(9) }));
            Assert.That(plan.Skipped, Is.EqualTo(new SkippedDueTimes(7, false, Noon, Noon.AddHours(6))));
            Assert.That(planOfNone.Due, Is.EqualTo(new[] { Noon.AddHours(9) }));
            Assert.That(planOfNone.Skipped?.Count, Is.EqualTo(9));
        });
    }

    [Test]
    public void A_year_of_seconds_is_planned_without_walking_through_it([Values] MisfirePolicy policy)
    {
        var now = Noon.AddDays(365);

        var plan = Plan(EverySecond, Noon, now, policy);

        var onTime = Enumerable.Range(0, 11).Select(second => now.AddSeconds(second - 10));
        var madeUpFor = Enumerable.Range(0, policy == MisfirePolicy.All ? 100 : 0).Select(n => now.AddSeconds(n - 110));
        DateTimeOffset[] expected = [.. madeUpFor, .. onTime];
        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(expected));
            Assert.That(plan.Skipped, Is.EqualTo(new SkippedDueTimes(10_000, true, Noon, expected[0].AddSeconds(-1))));
            Assert.That(plan.Next, Is.EqualTo(now.AddSeconds(1)));
        });
    }

    [TestCase(9_999, 9_999, false)]
    [TestCase(10_000, 10_000, false)]
    [TestCase(10_001, 10_000, true)]
    public void Skipped_due_times_are_counted_exactly_up_to_ten_thousand(int missed, int count, bool isMore)
    {
        var now = Noon.AddSeconds(missed + 10);

        var plan = Plan(EverySecond, Noon, now, MisfirePolicy.Skip);

        Assert.That(plan.Skipped, Is.EqualTo(new SkippedDueTimes(count, isMore, Noon, Noon.AddSeconds(missed - 1))));
    }

    [Test]
    public void The_latest_missed_due_time_is_found_behind_a_long_pause()
    {
        var january = CronExpression.Parse("*/10 * * 1 *", "x");
        var first = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);

        var plan = Plan(january, first, Noon, MisfirePolicy.One);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.EqualTo(new[] { new DateTimeOffset(2024, 1, 31, 23, 50, 0, TimeSpan.Zero) }));
            Assert.That(plan.Skipped?.Count, Is.EqualTo(31 * 144 - 1));
            Assert.That(plan.Next, Is.EqualTo(first.AddYears(1)));
        });
    }

    [Test]
    public void A_clock_set_back_runs_nothing_and_waits_for_the_first_due_time([Values] MisfirePolicy policy)
    {
        var plan = Plan(Hourly, Noon, Noon.AddHours(-3), policy);

        Assert.Multiple(() =>
        {
            Assert.That(plan.Due, Is.Empty);
            Assert.That(plan.Skipped, Is.Null);
            Assert.That(plan.Next, Is.EqualTo(Noon));
        });
    }

    [Test]
    public void A_first_due_time_that_the_expression_does_not_have_still_counts()
    {
        var odd = Noon.AddMinutes(7).AddMilliseconds(250);

        Assert.Multiple(() =>
        {
            Assert.That(Plan(Hourly, odd, odd.AddSeconds(1), MisfirePolicy.Skip).Due, Is.EqualTo(new[] { odd }));
            Assert.That(Plan(Hourly, odd, Noon.AddHours(1.5), MisfirePolicy.All).Due,
                Is.EqualTo(new[] { odd, Noon.AddHours(1) }));
        });
    }

    [Test]
    public void Missed_due_times_follow_the_zone_through_a_clock_change()
    {
        var nightly = CronExpression.Parse("30 2 * * *", "x");
        var first = new DateTimeOffset(2024, 3, 30, 1, 30, 0, TimeSpan.Zero);

        var plan = Misfires.Plan(nightly, TimeZones.Find("Europe/Berlin"), first, first.AddHours(50), MisfirePolicy.All,
            MisfireLimits.Default with { MaxAge = TimeSpan.FromDays(3) });

        Assert.That(plan.Due, Is.EqualTo(new[] { first, first.AddHours(23.5), first.AddHours(47) }));
    }

    [Test]
    public void Due_times_come_in_UTC_whatever_the_input_was()
    {
        var first = Noon.ToOffset(TimeSpan.FromHours(2));

        var plan = Plan(Hourly, first, first.AddHours(5), MisfirePolicy.All);

        Assert.That(plan.Due.Select(due => due.Offset), Is.All.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public void Limits_and_policies_that_make_no_sense_are_refused()
    {
        var limits = MisfireLimits.Default;
        var negative = TimeSpan.FromSeconds(-1);
        MisfireLimits[] all =
            [limits with { Cap = -1 }, limits with { Grace = negative }, limits with { MaxAge = negative }];
        Assert.Multiple(() =>
        {
            foreach (var wrong in all)
            {
                Assert.That(() => Misfires.Plan(Hourly, TimeZoneInfo.Utc, Noon, Noon, MisfirePolicy.All, wrong),
                    Throws.TypeOf<ArgumentOutOfRangeException>());
            }

            Assert.That(() => Plan(Hourly, Noon, Noon, (MisfirePolicy)7), Throws.TypeOf<ArgumentOutOfRangeException>());
        });
    }

    private static DuePlan Plan(CronExpression cron, DateTimeOffset first, DateTimeOffset now, MisfirePolicy policy) =>
        Misfires.Plan(cron, TimeZoneInfo.Utc, first, now, policy);
}
