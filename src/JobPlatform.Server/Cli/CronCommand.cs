using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using JobPlatform.Core;
using JobPlatform.Core.Schedules;
using JobPlatform.Core.Settings;

namespace JobPlatform.Server.Cli;

/// <summary><c>cron</c>: what an expression means. Needs neither settings nor a database.</summary>
internal static class CronCommand
{
    private const string FromStandardInput = "-";

    public static Command Create()
    {
        var expression = new Argument<string?>("expression")
        {
            Description = "Five fields, six with the second first, or a macro such as @daily; in quotes. With -, or without one where standard "
                + "input is redirected, each line of standard input is one, perhaps with a tab and a zone behind it, and is answered by a line of JSON.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var zone = new Option<string>("--tz")
        {
            Description = "The IANA zone that it is read in; UTC when not given.",
            HelpName = "zone",
            DefaultValueFactory = _ => "UTC",
        };
        var from = Options.Time("--from", "Due times after this one, such as 2026-03-28T00:00:00+01:00 (UTC when it has no offset); now when not given.");
        var count = Options.Count("--count", 10);
        var name = new Option<string>("--name")
        {
            Description = "The name of the job that it is for: H is chosen by it.",
            HelpName = "job",
            DefaultValueFactory = _ => "",
        };
        var json = Options.Json();
        var next = new Command("next", "Print what an expression means and when it is due next.") { expression, zone, from, count, name, json };
        next.SetAction(async (parsed, cancellation) =>
        {
            var question = new CronQuestion(parsed.GetValue(zone)!, parsed.GetValue(from), parsed.GetValue(count), parsed.GetValue(name)!);
            if (!TimeZones.TryFind(question.TimeZone, out _, out var error)) throw CliException.Refused($"--tz: {error}");
            if (parsed.GetValue(expression) is { } text and not FromStandardInput) return Print(text, question, parsed.GetValue(json));
            if (parsed.GetValue(expression) is null && !Console.IsInputRedirected)
                throw CliException.Refused("expression: none is given. Give one in quotes, such as '0 2 * * *', or - to read them from standard input.");
            using var input = new StreamReader(Console.OpenStandardInput());
            return await AnswerLinesAsync(input, Console.Out, question, cancellation);
        });
        return new Command("cron", "Look into cron expressions.") { next };
    }

    /// <summary>One line of JSON for each line, sent before the next is read: a program may ask and wait.</summary>
    private static async Task<int> AnswerLinesAsync(TextReader input, TextWriter output, CronQuestion question, CancellationToken cancellation)
    {
        var exitCode = ExitCode.Well;
        // Reading does not end by itself when Ctrl-C is pressed.
        while (await input.ReadLineAsync(cancellation).AsTask().WaitAsync(cancellation) is { } line)
        {
            var (text, zone) = SplitLine(line, question.TimeZone);
            var isRead = CronReading.TryRead(text, question with { TimeZone = zone }, out var reading, out var error);
            if (!isRead) exitCode = ExitCode.Failed;
            await output.WriteLineAsync(JsonSerializer.Serialize(isRead ? reading!.ToJson() : new { Expression = text, Error = error }, PlatformJson.Options));
            await output.FlushAsync(cancellation);
        }
        return exitCode;
    }

    // More than one tab is an expression whose fields are tabbed.
    private static (string Expression, string Zone) SplitLine(string line, string zone) =>
        line.Split('\t') is [var expression, var own] ? (expression, own.Trim()) : (line, zone);

    private static int Print(string expression, CronQuestion question, bool asJson)
    {
        if (!CronReading.TryRead(expression, question, out var reading, out var error))
            throw CliException.Refused($"expression: {error}");
        // Nothing here comes from the settings, so there is no secret to mask.
        var output = new Output(new SecretRedactor([]), TimeProvider.System);
        if (asJson) output.Json(reading.ToJson());
        else
        {
            output.Line($"{expression.Trim()} {question.TimeZone}: {reading.Cron.Describe()}");
            output.Line("");
            if (question.TimeZone == "UTC") output.Table(["DUE (UTC)"], [.. reading.Next.Select(due => new[] { Output.Time(due) })]);
            else
                output.Table(["DUE (UTC)", $"DUE ({question.TimeZone})", ""],
                    [.. reading.Next.Select(due => new[] { Output.Time(due), Local(due, reading.Zone), Remark(due, reading) })]);
        }
        return ExitCode.Well;
    }

    private static string Local(DateTimeOffset due, TimeZoneInfo zone) =>
        TimeZoneInfo.ConvertTime(due, zone).ToString("yyyy-MM-dd HH:mm:ss zzz", CultureInfo.InvariantCulture);

    private static string Remark(DateTimeOffset due, CronReading reading) => reading.Cron.FindClockChange(due, reading.Zone) switch
    {
        ClockChange.Gap => "its clock time is skipped: due at the end of the gap",
        ClockChange.FirstPass => "the clock shows this time twice: the first",
        ClockChange.SecondPass => "the clock shows this time twice: the second",
        _ => "",
    };
}
