using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Tests.Schedules;

public sealed class CronErrorTests
{
    private const string Empty =
        "cron expression '' is empty: use five fields (minute hour day-of-month month day-of-week)";

    [TestCase(null, Empty)]
    [TestCase(" ", Empty)]
    [TestCase("*", "cron expression '*' has 1 field: use five (minute hour day-of-month month day-of-week), or six with the second first")]
    [TestCase("* * * *", "cron expression '* * * *' has 4 fields: use five (minute hour day-of-month month day-of-week), or six with the second first")]
    [TestCase("0 0 0 * * ? 2024", "cron expression '0 0 0 * * ? 2024' has 7 fields: remove the last one, a year is not supported")]
    [TestCase("75 * * * *", "minute '75' is out of range: use 0 to 59")]
    [TestCase("99999999999 * * * *", "minute '99999999999' is out of range: use 0 to 59")]
    [TestCase("60 * * * * *", "second '60' is out of range: use 0 to 59")]
    [TestCase("0 24 * * *", "hour '24' is out of range: use 0 to 23")]
    [TestCase("0 0 0 * *", "day-of-month '0' is out of range: use 1 to 31")]
    [TestCase("0 0 32 * *", "day-of-month '32' is out of range: use 1 to 31")]
    [TestCase("0 0 1 13 *", "month '13' is out of range: use 1 to 12 or JAN to DEC")]
    [TestCase("0 0 * * 8", "day-of-week '8' is out of range: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT")]
    [TestCase("0 0 * * 1-9", "day-of-week '9' is out of range: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT")]
    [TestCase("-5 * * * *", "minute '-5' lacks a value: use 0 to 59")]
    [TestCase("5- * * * *", "minute '5-' lacks a value: use 0 to 59")]
    [TestCase("+5 * * * *", "minute '+5' is not known: use 0 to 59, *, a list 1,2, a range 1-5 or a step */2")]
    [TestCase("1-2-3 * * * *", "minute '2-3' is not known: use 0 to 59, *, a list 1,2, a range 1-5 or a step */2")]
    [TestCase("1,,2 * * * *", "minute '' is empty: write a value before and after each comma, from 0 to 59")]
    [TestCase("1, * * * *", "minute '' is empty: write a value before and after each comma, from 0 to 59")]
    [TestCase("*/0 * * * *", "minute step '0' is out of range: use 1 to 59")]
    [TestCase("*/90 * * * *", "minute step '90' is out of range: use 1 to 59")]
    [TestCase("* */24 * * *", "hour step '24' is out of range: use 1 to 23")]
    [TestCase("*/ * * * *", "minute step '' is out of range: use 1 to 59")]
    [TestCase("*/5/5 * * * *", "minute '*/5/5' has more than one '/': use a single step such as */5")]
    [TestCase("*5 * * * *", "minute '*5' is not known: use 0 to 59, *, a list 1,2, a range 1-5 or a step */2")]
    [TestCase("0 0 1 JANUARY *", "month 'JANUARY' is not known: did you mean 'JAN'?")]
    [TestCase("0 0 1 SPE *", "month 'SPE' is not known: did you mean 'SEP'?")]
    [TestCase("0 0 * * MONDAY", "day-of-week 'MONDAY' is not known: did you mean 'MON'?")]
    [TestCase("0 0 * * MON-FRIDAY", "day-of-week 'FRIDAY' is not known: did you mean 'FRI'?")]
    [TestCase("0 0 * * TEU", "day-of-week 'TEU' is not known: did you mean 'TUE'?")]
    [TestCase("? * * * *", "minute '?' is not allowed: write ? alone and in a day field only, or use *")]
    [TestCase("0 0 ?/2 * *", "day-of-month '?/2' is not allowed: write ? alone and in a day field only, or use *")]
    [TestCase("0 0 L-31 * *", "day-of-month 'L-31' is not a special day: use L, L-1 to L-30, LW, or 1W to 31W")]
    [TestCase("0 0 32W * *", "day-of-month '32W' is not a special day: use L, L-1 to L-30, LW, or 1W to 31W")]
    [TestCase("0 0 1-5W * *", "day-of-month '1-5W' is not a special day: use L, L-1 to L-30, LW, or 1W to 31W")]
    [TestCase("0 0 * * L", "day-of-week 'L' names no day: use for example FRIL or 5L for the last Friday of the month")]
    [TestCase("0 0 * * 9L", "day-of-week '9' is out of range: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT")]
    [TestCase("0 0 * * FRI#6", "day-of-week 'FRI#6' does not say which one of the month: use a day and #1 to #5, for example FRI#2")]
    [TestCase("0 0 * * #2", "day-of-week '#2' lacks a value: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT")]
    [TestCase("H(5 * * * *", "minute 'H(5' is not a hashed range: use for example H(0-29)")]
    [TestCase("H( * * * *", "minute 'H(' is not a hashed range: use for example H(0-29)")]
    [TestCase("H(30-10) * * * *", "minute 'H(30-10)' ends before it begins: write the lower value first")]
    [TestCase("H(0-75) * * * *", "minute '75' is out of range: use 0 to 59")]
    [TestCase("0 0 30 2 *", "day-of-month '30' with month '2' and day-of-week '*' never occurs: choose a day that exists in that month")]
    [TestCase("0 0 31W 4,6 *", "day-of-month '31W' with month '4,6' and day-of-week '*' never occurs: choose a day that exists in that month")]
    [TestCase("0 0 L-29 2 ?", "day-of-month 'L-29' with month '2' and day-of-week '?' never occurs: choose a day that exists in that month")]
    [TestCase("@reboot", "macro '@reboot' has no due time: use a time, and enqueue the job where the start-up happens")]
    [TestCase("@dayly", "macro '@dayly' is not known: did you mean '@daily'?")]
    [TestCase("@fortnight", "macro '@fortnight' is not known: use one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly")]
    public void What_is_wrong_is_one_sentence(string? expression, string sentence)
    {
        Assert.That(CronExpression.TryParse(expression, "x", out var cron, out var error), Is.False);
        Assert.Multiple(() =>
        {
            Assert.That(cron, Is.Null);
            Assert.That(error, Is.EqualTo(sentence));
        });
    }

    [Test]
    public void A_very_long_expression_is_refused_without_repeating_it() => Assert.That(
        () => CronExpression.Parse(new string('1', 5000) + " * * * *", "x"),
        Throws.TypeOf<FormatException>()
            .With.Message.EqualTo("cron expression is 5008 characters long: use at most 500"));

    [Test]
    public void A_long_value_is_cut_in_the_sentence() => Assert.That(
        () => CronExpression.Parse(new string('x', 90) + " * * * *", "x"),
        Throws.TypeOf<FormatException>().With.Message.StartsWith($"minute '{new string('X', 40)}…' is not known"));

    [Test]
    public void Blanks_do_not_count_and_the_text_stays_as_written() => Assert.That(
        CronExpression.Parse("  0\t 2 * *  mon ", "x").ToString(), Is.EqualTo("0\t 2 * *  mon"));
}
