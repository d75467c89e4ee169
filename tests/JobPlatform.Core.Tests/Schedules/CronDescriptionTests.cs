using JobPlatform.Core.Schedules;

namespace JobPlatform.Core.Tests.Schedules;

public sealed class CronDescriptionTests
{
    [TestCase("* * * * *", "every minute")]
    [TestCase("*/15 * * * *", "every 15 minutes")]
    [TestCase("0,30 * * * *", "every 30 minutes")]
    [TestCase("7/15 * * * *", "every 15 minutes from minute 7")]
    [TestCase("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56")]
    [TestCase("0 * * * *", "every hour")]
    [TestCase("@hourly", "every hour")]
    [TestCase("45 * * * *", "at minute 45 of every hour")]
    [TestCase("0 */6 * * *", "at 00:00, 06:00, 12:00 and 18:00 every day")]
    [TestCase("0 */2 * * *", "every 2 hours")]
    [TestCase("30 */2 * * *", "every 2 hours at minute 30")]
    [TestCase("30 2 * * *", "at 02:30 every day")]
    [TestCase("0 9,17 * * *", "at 09:00 and 17:00 every day")]
    [TestCase("*/10 9-17 * * *", "every 10 minutes from 09:00 to 17:59")]
    [TestCase("0 22-6 * * *", "every hour from 22:00 to 06:59")]
    [TestCase("*/10 8,12,16-18 * * *", "every 10 minutes in hours 8, 12 and 16 to 18")]
    [TestCase("15 1-7,20,22 * * *", "at minute 15 in hours 1 to 7, 20 and 22")]
    [TestCase("0 3 * * 0", "at 03:00 on Sunday")]
    [TestCase("0 8 * * MON-FRI", "at 08:00 on Monday to Friday")]
    [TestCase("0 8 * * MON,THU", "at 08:00 on Monday and Thursday")]
    [TestCase("0 5 1 * *", "at 05:00 on day 1 of every month")]
    [TestCase("0 5 1,15 * *", "at 05:00 on days 1 and 15 of every month")]
    [TestCase("0 0 1 1 *", "at 00:00 on day 1 of January")]
    [TestCase("0 0 * 6-8 *", "at 00:00 in June, July and August")]
    [TestCase("*/5 * * 12 SUN", "every 5 minutes on Sunday in December")]
    [TestCase("0 0 L * *", "at 00:00 on the last day of every month")]
    [TestCase("0 0 L-1,L-3 * *", "at 00:00 on the day before the last and the day 3 days before the last of every month")]
    [TestCase("0 0 15W,LW * *", "at 00:00 on the working day nearest to day 15 and the last working day of every month")]
    [TestCase("0 0 * * FRIL", "at 00:00 on the last Friday of the month")]
    [TestCase("0 0 * 3 FRI#2", "at 00:00 on the second Friday of the month in March")]
    [TestCase("0 0 13 * FRI", "at 00:00 on day 13 of every month and on Friday")]
    [TestCase("0 0 */10 * MON", "at 00:00 on Monday, limited to days 1, 11, 21 and 31 of every month")]
    [TestCase("* * * * * *", "every second")]
    [TestCase("*/10 * * * * *", "every 10 seconds")]
    [TestCase("*/10 */5 * * * *", "every 10 seconds in minutes 0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50 and 55")]
    [TestCase("30 0-7,20 * * * *", "at second 30 in minutes 0 to 7 and 20")]
    [TestCase("15 30 10 * * *", "at 10:30:15 every day")]
    [TestCase("H/15 * * * *", "every 15 minutes from minute 6")]
    public void An_expression_reads(string expression, string description) =>
        Assert.That(CronExpression.Parse(expression, "nightly-report").Describe(), Is.EqualTo(description));
}
