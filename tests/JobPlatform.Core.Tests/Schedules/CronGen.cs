using FsCheck;
using FsCheck.Fluent;

namespace JobPlatform.Core.Tests.Schedules;

/// <summary>Generates expressions as people write them: many stars and values, some lists, ranges, steps.</summary>
internal static class CronGen
{
    /// <summary>A field of stars, values, ranges, steps and lists.</summary>
    public static Gen<string> Field(int min, int max, bool wrapping)
    {
        var value = Gen.Choose(min, max);
        var step = Gen.Choose(1, Math.Min(max - min, 20));
        var range = from first in value
            from last in value
            select wrapping || first <= last ? $"{first}-{last}" : $"{last}-{first}";
        var item = Gen.Frequency(
            (6, value.Select(single => $"{single}")),
            (2, range),
            (1, range.SelectMany(ends => step.Select(by => $"{ends}/{by}"))),
            (1, value.SelectMany(first => step.Select(by => $"{first}/{by}"))));
        return Gen.Frequency(
            (4, Gen.Constant("*")),
            (3, step.Select(by => $"*/{by}")),
            (8, item),
            (3, item.SelectMany(one => item.Select(other => $"{one},{other}"))));
    }

    public static Gen<string> Dates() => Gen.Frequency(
        (6, Gen.Constant("*")),
        (3, Field(1, 31, true)),
        (1, Gen.Elements("L", "LW", "L-1", "L-3", "1,L")),
        (1, Gen.Choose(1, 31).Select(day => $"{day}W")));

    public static Gen<string> Weekdays() => Gen.Frequency(
        (6, Gen.Constant("*")),
        (3, Field(0, 6, true)),
        (1, Gen.Choose(0, 7).Select(day => $"{day}L")),
        (1, Gen.Choose(0, 7).SelectMany(day => Gen.Choose(1, 5).Select(nth => $"{day}#{nth}"))),
        (1, Gen.Constant("7")));

    public static Gen<string> FiveFields() =>
        from minute in Field(0, 59, true)
        from hour in Gen.Frequency((1, Gen.Constant("*")), (2, Field(0, 23, true)), (1, Field(0, 3, true)))
        from date in Dates()
        from month in Gen.Frequency((5, Gen.Constant("*")), (1, Field(1, 12, true)))
        from weekday in Weekdays()
        select $"{minute} {hour} {date} {month} {weekday}";

    public static Gen<DateTimeOffset> Instant(DateTimeOffset from, TimeSpan span) =>
        Gen.Choose(0, (int)span.TotalSeconds).Select(seconds => from.AddSeconds(seconds));

    /// <summary>Checks a property on many samples; a failure shows the sample and the seed that repeats it.</summary>
    public static void Check<T>(Gen<T> samples, int count, Action<T> property) =>
        FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(count), Prop.ForAll(samples.ToArbitrary(), property));
}
