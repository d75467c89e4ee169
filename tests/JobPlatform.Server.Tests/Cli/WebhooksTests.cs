namespace JobPlatform.Server.Tests.Cli;

public sealed class WebhooksTests
{
    private const string Key = "kS9-2mQx7Vb4TzPw1LrYc8NhUe5JdAf3";
    private const string Secret = "marked-secret-of-the-receiver";

    [Test]
    public async Task A_webhook_is_made_tested_given_another_secret_and_deleted_and_no_secret_is_printed()
    {
        await using var receiver = await HttpReceiver.StartAsync();
        await using var cli = await CreateAsync();
        cli.Environment["OUTGOING_ALLOW"] = $"127.0.0.1:{receiver.Port}";
        var signing = (await cli.RunAsync("secrets", "new", "--signing")).Output.Trim();
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, "signing"), signing + "\n");
        await File.WriteAllTextAsync(Path.Combine(cli.Folder, "secret"), Secret + "-2\n");
        await cli.Database.AddJobAsync("crm-sync", "crm");

        var outputs = new List<CliResult>
        {
            await RunAsync(cli, Secret + "\n", "webhooks", "add", "crm", $"http://127.0.0.1:{receiver.Port}/jobs", "--auth", "bearer", "--signing-secret-file", "signing", "--header", "X-Team: growth"),
            await cli.RunAsync("webhooks", "test", "crm"),
            await cli.RunAsync("webhooks", "set-secret", "crm", "--secret-file", "secret"),
            await cli.RunAsync("webhooks", "test", "crm", "--json"),
            await cli.RunAsync("webhooks", "list"),
            await cli.RunAsync("webhooks", "list", "--json"),
            await cli.RunAsync("webhooks", "show", "crm"),
            await cli.RunAsync("check"),
            await cli.RunAsync("webhooks", "delete", "crm"),
        };

        var everything = string.Concat(outputs.Select(output => output.Output + output.Errors));
        Assert.Multiple(() =>
        {
            Assert.That(outputs.Select(output => output.ExitCode), Is.All.Zero, everything);
            Assert.That(everything, Does.Not.Contain(Secret).And.Not.Contain(signing[6..]));
            Assert.That(receiver.Requests.Select(request => request.Headers["Authorization"]), Is.EqualTo((string[])[$"Bearer {Secret}", $"Bearer {Secret}-2"]));
            Assert.That(receiver.Requests[0].Headers["webhook-signature"], Does.StartWith("v1,"));
            Assert.That(receiver.Requests[0].Body, Does.Contain("\"job\":\"webhook-test\""));
            Assert.That(outputs[1].Output, Does.Contain("\"status\": 200"));
            Assert.That(outputs[5].Json[0].GetProperty("auth").GetString(), Is.EqualTo("bearer"));
            Assert.That(outputs[6].Output, Does.Match("secret: +set 20").And.Match("signing secret: +set 20").And.Match("headers: +X-Team: growth").And.Match("jobs: +crm-sync"));
            Assert.That(outputs[8].Errors, Does.Contain("Runs of these jobs fail from now on: crm-sync."));
        });
    }

    [Test]
    public async Task What_cannot_be_stored_or_called_is_refused_with_each_fault()
    {
        await using var cli = await CreateAsync();

        var inside = await cli.RunAsync("webhooks", "add", "test-job", "http://169.254.169.254/latest", "--timeout", "0");
        var kind = await cli.RunAsync("webhooks", "add", "crm", "https://hooks.example.com/", "--auth", "baerer");
        var empty = await cli.RunAsync("webhooks", "add", "crm", "https://hooks.example.com/", "--auth", "bearer");
        var unknown = await cli.RunAsync("webhooks", "test", "crm");
        cli.Environment["JOBS_SECRET_KEY"] = null;
        var keyless = await RunAsync(cli, Secret, "webhooks", "set-secret", "crm");

        Assert.Multiple(() =>
        {
            Assert.That((inside.ExitCode, inside.Errors.Split('\n')), Is.EqualTo((2, (string[])
            [
                "key: 'test-job' is the key of a code handler, which would run instead. Choose another one.",
                "url: '169.254.169.254' is a link-local address, as metadata services have. Give one of the public internet, or let the operator allow it with OUTGOING_ALLOW.",
                "timeout_seconds: 0 is not a number of seconds from 1 to 3600.", "",
            ])));
            Assert.That((kind.ExitCode, kind.Errors), Is.EqualTo((2, "--auth: 'baerer' is not one of none, bearer, basic, api_key, header. Did you mean bearer?\n'jobplatform webhooks add --help' shows what is possible.\n")));
            Assert.That((empty.ExitCode, empty.Errors), Is.EqualTo((2, "secret: standard input is empty. Put the secret there.\n")));
            Assert.That((unknown.ExitCode, unknown.Errors), Is.EqualTo((2, "There is no handler 'crm'. 'jobplatform handlers list' and 'jobplatform webhooks list' show them all.\n")));
            Assert.That((keyless.ExitCode, keyless.Errors), Is.EqualTo((5, "JOBS_SECRET_KEY: it is not set. Make one with 'jobplatform secrets new' and set JOBS_SECRET_KEY to it.\n")));
        });
    }

    [Test]
    public async Task Check_names_webhooks_that_could_not_be_called()
    {
        await using var cli = await CreateAsync();
        await RunAsync(cli, Secret, "webhooks", "add", "moved", "https://hooks.example.com/", "--auth", "bearer");
        await cli.RunAsync("webhooks", "add", "shadowed", "https://hooks.example.com/");
        await cli.Database.ExecuteAsync(
            """
            UPDATE jobplatform.job_handlers SET url = 'https://other.example.com/' WHERE key = 'moved';
            UPDATE jobplatform.job_handlers SET key = 'test-job', url = 'http://10.0.0.1/' WHERE key = 'shadowed';
            INSERT INTO jobplatform.job_handlers (key, url, is_enabled) VALUES ('off', 'http://10.0.0.1/', false);
            """);

        var check = await cli.RunAsync("check", "--json");

        Assert.That(check.Json.GetProperty("findings").EnumerateArray().Where(finding => finding.GetProperty("area").GetString() == "webhooks")
            .Select(finding => finding.GetProperty("message").GetString()![..62]), Is.EqualTo((string[])
        [
            "The webhook 'moved' cannot be called as it is: its stored secr", "The webhook 'test-job' cannot be called as it is: key: 'test-j",
            "The webhook 'test-job' cannot be called as it is: url: '10.0.0",
        ]));
    }

    [Test]
    public async Task An_allow_list_that_cannot_be_read_is_a_fault_of_the_settings()
    {
        await using var cli = await CreateAsync();
        cli.Environment["OUTGOING_ALLOW"] = "crm.internal, https://erp.internal";

        Assert.That((await cli.RunAsync("check")).Output, Does.Contain("OUTGOING_ALLOW: 'https://erp.internal' is no host, address or network such as"));
    }

    private static async Task<CommandLineFixture> CreateAsync()
    {
        var cli = await CommandLineFixture.CreateAsync();
        cli.Environment["JOBS_SECRET_KEY"] = Key;
        return cli;
    }

    private static async Task<CliResult> RunAsync(CommandLineFixture cli, string input, params string[] arguments)
    {
        using var process = cli.Start(arguments);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new(process.ExitCode, output, await errors);
    }
}
