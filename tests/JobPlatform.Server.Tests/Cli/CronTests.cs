namespace JobPlatform.Server.Tests.Cli;

public sealed class CronTests
{
    private CommandLineFixture _cli = null!;

    [OneTimeSetUp]
    public async Task TakeAwayTheDatabase()
    {
        _cli = await CommandLineFixture.CreateEmptyAsync();
        _cli.Environment["ConnectionStrings__Platform"] = null;
    }

    [OneTimeTearDown]
    public async Task DropDatabase() => await _cli.DisposeAsync();

    [Test]
    public async Task An_expression_is_read_out_with_its_due_times_in_both_clocks_and_clock_changes_marked()
    {
        var result = await _cli.RunAsync("cron", "next", "30 2 * * *", "--tz", "Europe/Berlin", "--from", "2026-03-28", "--count", "2");

        Assert.That(result.ExitCode, Is.Zero, result.Errors);
        Assert.That(result.Output.Split('\n').Select(line => line.TrimEnd()), Is.EqualTo((string[])
        [
            "30 2 * * * Europe/Berlin: at 02:30 every day", "",
            "DUE (UTC)            DUE (Europe/Berlin)",
            "2026-03-28 01:30:00  2026-03-28 02:30:00 +01:00",
            "2026-03-29 01:00:00  2026-03-29 03:00:00 +02:00  its clock time is skipped: due at the end of the gap", "",
        ]));
    }

    [Test]
    public async Task A_macro_is_an_expression_and_json_is_one_document()
    {
        var result = await _cli.RunAsync("cron", "next", "@daily", "--from", "2026-03-28T00:00:00+01:00", "--count", "2", "--json");

        Assert.That(result.Json.GetProperty("next").EnumerateArray().Select(due => due.GetString()),
            Is.EqualTo((string[])["2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z"]), result.Errors);
    }

    [Test]
    public async Task H_is_chosen_by_the_name()
    {
        var a = await _cli.RunAsync("cron", "next", "H H * * *", "--name", "a");
        var b = await _cli.RunAsync("cron", "next", "H H * * *", "--name", "b");

        Assert.That(a.Output, Is.Not.EqualTo(b.Output));
    }

    [Test]
    public async Task Each_line_is_answered_before_the_next_is_read_and_a_bad_one_stops_nothing()
    {
        using var process = _cli.Start(["cron", "next", "-", "--from", "2026-03-28", "--count", "1"]);
        var answers = new List<string?>();
        foreach (var line in new[] { "0 2 * * *", "61 * * * *", "", "0 2 * * *\tEurope/Berlin", "0 2 * * *\tEurope/Berln", "0\t2\t*\t*\tMON" })
        {
            await process.StandardInput.WriteLineAsync(line);
            await process.StandardInput.FlushAsync();
            answers.Add(await process.StandardOutput.ReadLineAsync());
        }
        process.StandardInput.Close();
        await process.WaitForExitAsync();

        Assert.Multiple(() =>
        {
            Assert.That(answers, Is.EqualTo((string[])
            [
                """{"expression":"0 2 * * *","time_zone":"UTC","description":"at 02:00 every day","next":["2026-03-28T02:00:00Z"]}""",
                """{"expression":"61 * * * *","error":"minute '61' is out of range: use 0 to 59"}""",
                """{"expression":"","error":"cron expression '' is empty: use five fields (minute hour day-of-month month day-of-week)"}""",
                """{"expression":"0 2 * * *","time_zone":"Europe/Berlin","description":"at 02:00 every day","next":["2026-03-28T01:00:00Z"]}""",
                """{"expression":"0 2 * * *","error":"time zone 'Europe/Berln' is not known: did you mean 'Europe/Berlin'?"}""",
                """{"expression":"0\t2\t*\t*\tMON","time_zone":"UTC","description":"at 02:00 on Monday","next":["2026-03-30T02:00:00Z"]}""",
            ]));
            Assert.That(process.ExitCode, Is.EqualTo(1));
        });
    }

    [Test]
    public async Task Good_lines_alone_end_well_also_without_the_dash()
    {
        using var process = _cli.Start(["cron", "next"]);
        await process.StandardInput.WriteLineAsync("@hourly");
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(System.Text.Json.JsonElement.Parse(output).GetProperty("next").GetArrayLength(), Is.EqualTo(10));
    }

    [TestCase("expression: minute '61' is out of range: use 0 to 59", "61 * * * *")]
    [TestCase("--tz: time zone 'Berlin' is not known: did you mean 'Europe/Berlin'?", "0 2 * * *", "--tz", "Berlin")]
    [TestCase("--from: '3/4/26' is not a time such as", "0 2 * * *", "--from", "3/4/26")]
    [TestCase("--count: '1001' is not a whole number from 1 to 1000.", "0 2 * * *", "--count", "1001")]
    public async Task A_wrong_argument_is_refused(string sentence, params string[] arguments)
    {
        var result = await _cli.RunAsync(["cron", "next", .. arguments]);

        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")));
        Assert.That(result.Errors, Does.StartWith(sentence));
    }
}
