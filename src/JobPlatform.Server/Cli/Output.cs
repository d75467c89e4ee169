using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Settings;
using Spectre.Console;

namespace JobPlatform.Server.Cli;

/// <summary>
/// What verbs print: tables for people, JSON for scripts, on standard output; remarks go to standard error. Without a
/// terminal, and with NO_COLOR, there are no colours, and no cell is shortened.
/// </summary>
internal sealed class Output(SecretRedactor redactor, TimeProvider clock)
{
    private const int NarrowestTable = 80;
    private const int ShortestCut = 12;
    private const int Gap = 2;

    private static readonly JsonSerializerOptions Indented = new(PlatformJson.Options) { WriteIndented = true };

    private static readonly Dictionary<string, Color> Colors = new()
    {
        ["success"] = Color.Green, ["failed"] = Color.Red, ["canceled"] = Color.Yellow, ["skipped"] = Color.Yellow,
        ["running"] = Color.Blue, ["retrying"] = Color.Yellow, ["closed"] = Color.Yellow, ["disabled"] = Color.Yellow,
        ["fault"] = Color.Red, ["warning"] = Color.Yellow,
    };

    /// <summary>Whether standard output may be decorated.</summary>
    public static bool IsDecorated { get; } = MayDecorate(Console.IsOutputRedirected);

    /// <summary>Whether standard error may be decorated.</summary>
    public static bool IsErrorDecorated { get; } = MayDecorate(Console.IsErrorRedirected);

    public void Line(string text) => Console.Out.WriteLine(redactor.Redact(text));

    public void Note(string text) => Console.Error.WriteLine(redactor.Redact(text));

    public void Json<T>(T value)
    {
        // Masked as values, then laid out: a secret with a quote stands escaped in the finished text.
        var masked = redactor.RedactJson(JsonSerializer.Serialize(value, PlatformJson.Options));
        Console.Out.WriteLine(JsonSerializer.Serialize(JsonElement.Parse(masked), Indented));
    }

    /// <summary>One row a line; at a terminal cells are cut to what fits.</summary>
    /// <param name="headings">One a column.</param>
    /// <param name="rows">As many cells each.</param>
    /// <param name="names">The column of names, which bear being cut; what else is cut last is of little use then.</param>
    public void Table(string[] headings, IReadOnlyList<string[]> rows, int names = 0)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = IsDecorated ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = IsDecorated ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Console.Out),
        });
        var cells = rows.Select(row => Array.ConvertAll(row, cell => OneLine(redactor.Redact(cell)))).ToList();
        var widths = headings.Select((heading, i) => cells.Select(row => row[i].Length).Append(heading.Length).Max()).ToArray();
        if (IsDecorated) Fit(widths, Math.Max(console.Profile.Width, NarrowestTable) - Gap * widths.Length, names);
        console.Profile.Width = widths.Sum() + Gap * widths.Length;

        var table = new Table { Border = TableBorder.None };
        foreach (var heading in headings)
            table.AddColumn(new TableColumn(new Text(heading, IsDecorated ? new Style(decoration: Decoration.Bold) : null)).NoWrap().PadLeft(0).PadRight(Gap));
        foreach (var row in cells)
            table.AddRow(row.Select((cell, i) => new Text(Shorten(cell, widths[i]), Colors.TryGetValue(cell, out var color) ? new Style(color) : null)));
        console.Write(table);
    }

    // The last column, which holds free text, gives way first, then names, then whichever is the widest.
    private static void Fit(int[] widths, int available, int names)
    {
        for (var excess = widths.Sum() - available; excess > 0; excess--)
            widths[widths[^1] > ShortestCut ? widths.Length - 1 : widths[names] > ShortestCut ? names : Array.IndexOf(widths, widths.Max())]--;
    }

    /// <summary>"field: value" lines; empty values are left out, and values of several lines are indented.</summary>
    public void Fields(params IEnumerable<(string Name, string? Value)> fields)
    {
        var shown = fields.Where(field => !string.IsNullOrEmpty(field.Value)).ToList();
        var width = shown.Max(field => field.Name.Length) + 2;
        foreach (var (name, value) in shown)
            Line($"{name + ":",-1}{new string(' ', width - name.Length - 1)}{value!.ReplaceLineEndings("\n" + new string(' ', width))}");
    }

    /// <summary>"2026-01-31 08:00:05", in UTC; empty for null.</summary>
    public static string Time(DateTimeOffset? at) => at is { } given ? TimeText.At(given) : "";

    /// <summary>"5 min ago", "in 2 h"; empty for null.</summary>
    public string Age(DateTimeOffset? at) => at is { } given ? TimeText.Age(given, clock.GetUtcNow()) : "";

    /// <summary>"2026-01-31 08:00:05 UTC (5 min ago)"; empty for null.</summary>
    public string TimeAndAge(DateTimeOffset? at) => at is { } given ? TimeText.AtAndAge(given, clock.GetUtcNow()) : "";

    /// <summary>"35 ms", "1.2 s", "3 min 5 s"; empty for null.</summary>
    public static string Duration(long? milliseconds) => milliseconds is { } given ? TimeText.Duration(given) : "";

    public static string Pretty(JsonElement? element) =>
        element is { } given ? JsonSerializer.Serialize(given, Indented) : "";

    private static bool MayDecorate(bool isRedirected) =>
        !isRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") != "dumb";

    private static string OneLine(string text) => string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter));

    private static string Shorten(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + "…";
}
