using System.Globalization;

namespace JobPlatform.Core.Tests.Schedules;

/// <summary>
/// One line of the table: expression | zone (left out in UTC) | after | the next three due times. The expected times
/// come from a second-by-second reading of each expression in another language with another time-zone library.
/// </summary>
internal static partial class DueTimeTable
{
    public static IEnumerable<TestCaseData> Cases()
    {
        foreach (var line in string.Join('\n', Fields, Days, Zones).Split('\n'))
        {
            if (line.StartsWith('#'))
                continue;
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            var zone = cells.Length == 4 ? cells[1] : "UTC";
            var expected = cells[^1].Split(' ').Select(At).ToArray();
            yield return new TestCaseData(cells[0], zone, At(cells[^2]), expected)
                .SetArgDisplayNames(cells[0], zone, cells[^2]);
        }
    }

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
