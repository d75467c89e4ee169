using System.CommandLine;
using JobPlatform.Core;
using JobPlatform.Core.Webhooks;

namespace JobPlatform.Server.Cli;

/// <summary><c>webhooks add</c> and <c>webhooks set-secret</c>: a secret comes from a file or from standard input, never
/// from the command line, which other users of the machine can see.</summary>
internal static class WebhooksChange
{
    private const string FileDescription = "The file that holds the secret; without it, it is read from standard input.";

    public static Command CreateAdd()
    {
        var key = WebhooksCommand.Key();
        var url = new Argument<string>("url") { Description = "Where runs are sent to." };
        var auth = AuthOption.Create();
        var authName = new Option<string?>("--auth-name") { Description = "The user of basic, or the header of api_key (X-API-Key when not given) and header.", HelpName = "name" };
        var secretFile = SecretFile("--secret-file", "The file that holds the auth's secret; without it, it is read from standard input.");
        var signingFile = SecretFile("--signing-secret-file", "Sign the calls with the secret in this file; 'jobplatform secrets new --signing' makes one.");
        var header = new Option<string[]>("--header") { Description = "A further header, such as 'X-Team: growth'; may be repeated.", HelpName = "header" };
        var method = new Option<string>("--method") { Description = "POST or PUT; POST when not given.", HelpName = "method", DefaultValueFactory = _ => "POST" };
        var timeout = new Option<int>("--timeout") { Description = "How many seconds one call may take; 30 when not given.", HelpName = "seconds", DefaultValueFactory = _ => 30 };
        var description = new Option<string>("--description") { Description = "What it does, for people.", HelpName = "text", DefaultValueFactory = _ => "" };
        var disabled = new Option<bool>("--disabled") { Description = "Let no run call it yet." };
        var json = Options.Json();
        var add = new Command("add", "Make a webhook.") { key, url, auth, authName, secretFile, signingFile, header, method, timeout, description, disabled, json };
        add.SetAction(async (parsed, cancellation) =>
        {
            var webhook = new WebhookDefinition
            {
                Key = parsed.GetValue(key)!,
                Url = parsed.GetValue(url)!,
                Method = parsed.GetValue(method)!,
                Description = parsed.GetValue(description)!,
                Auth = parsed.GetValue(auth),
                AuthName = parsed.GetValue(authName),
                Headers = ReadHeaders(parsed.GetValue(header) ?? []),
                TimeoutSeconds = parsed.GetValue(timeout),
                IsEnabled = !parsed.GetValue(disabled),
            };
            var secrets = new WebhookSecrets
            {
                Auth = webhook.Auth == WebhookAuth.None ? null : await ReadSecretAsync(parsed.GetValue(secretFile), "--secret-file", cancellation),
                Signing = parsed.GetValue(signingFile) is { } file ? await ReadSecretAsync(file, "--signing-secret-file", cancellation) : null,
            };
            await using var session = await OpenAsync(cancellation);
            var made = WebhooksCommand.Expect(await session.Get<WebhookHandlerStore>().CreateAsync(webhook, secrets, Session.Actor, cancellation));
            if (parsed.GetValue(json)) session.Output.Json(made);
            else session.Output.Line($"The webhook {made.Key} is made. Jobs use it with handler = '{made.Key}'; 'jobplatform webhooks test {made.Key}' calls it.");
            return ExitCode.Well;
        });
        return add;
    }

    public static Command CreateSetSecret()
    {
        var key = WebhooksCommand.Key();
        var signing = new Option<bool>("--signing") { Description = "The secret that calls are signed with, instead of the auth's." };
        var secretFile = SecretFile("--secret-file", FileDescription);
        var command = new Command("set-secret", "Replace a secret of a webhook; it is in force with the next call.") { key, signing, secretFile };
        command.SetAction(async (parsed, cancellation) =>
        {
            var secret = await ReadSecretAsync(parsed.GetValue(secretFile), "--secret-file", cancellation);
            await using var session = await OpenAsync(cancellation);
            var webhook = await WebhooksCommand.GetAsync(session, parsed.GetValue(key)!, cancellation);
            var changed = WebhooksCommand.Expect(await session.Get<WebhookHandlerStore>().UpdateAsync(webhook, webhook.Version,
                parsed.GetValue(signing) ? new WebhookSecrets { Signing = secret } : new WebhookSecrets { Auth = secret }, Session.Actor, cancellation));
            session.Output.Line($"The {(parsed.GetValue(signing) ? "signing secret" : "secret")} of {changed.Key} is set (version {changed.Version}).");
            return ExitCode.Well;
        });
        return command;
    }

    // Secrets are sealed under the key that the server has.
    private static async Task<Session> OpenAsync(CancellationToken cancellation)
    {
        var session = await Session.OpenAsync(cancellation);
        if (session.Settings.RequireServing().Faults is not { Count: > 0 } faults) return session;
        await session.DisposeAsync();
        throw new CliException(ExitCode.Unavailable, string.Join('\n', faults));
    }

    private static Option<string?> SecretFile(string name, string description) => new(name) { Description = description, HelpName = "path" };

    private static async Task<string> ReadSecretAsync(string? path, string option, CancellationToken cancellation)
    {
        if (path is null && !Console.IsInputRedirected)
            throw CliException.Refused($"secret: none is given. Name its file with {option}, or send it to standard input.");
        string text;
        if (path is not null) text = await File.ReadAllTextAsync(path, cancellation);
        else
        {
            using var input = new StreamReader(Console.OpenStandardInput());
            text = await input.ReadToEndAsync(cancellation).WaitAsync(cancellation);
        }
        // What editors and echo put behind it.
        text = text.TrimEnd('\r', '\n');
        return text.Length > 0 ? text : throw CliException.Refused($"secret: {path ?? "standard input"} is empty. Put the secret there.");
    }

    private static Dictionary<string, string> ReadHeaders(string[] headers)
    {
        var read = new Dictionary<string, string>();
        foreach (var header in headers)
            if (header.Split(':', 2) is not [var name, var value]) throw CliException.Refused($"--header: '{header}' is not of the form 'Name: value'.");
            else if (!read.TryAdd(name.Trim(), value.Trim())) throw CliException.Refused($"--header: '{name.Trim()}' is given twice.");
        return read;
    }
}

/// <summary><c>--auth</c>.</summary>
internal static class AuthOption
{
    private static readonly Dictionary<string, WebhookAuth> ByWord = Enum.GetValues<WebhookAuth>().ToDictionary(Word);

    public static string Word(WebhookAuth auth) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(auth.ToString());

    public static Option<WebhookAuth> Create() => new("--auth")
    {
        Description = $"How the receiver is shown who calls: {string.Join(", ", ByWord.Keys)}; none when not given.",
        HelpName = "kind",
        CustomParser = result =>
        {
            var word = result.Tokens[0].Value;
            if (ByWord.TryGetValue(word, out var auth)) return auth;
            result.AddError($"--auth: '{word}' is not one of {string.Join(", ", ByWord.Keys)}.{Suggestion.For(word, ByWord.Keys)}");
            return default;
        },
    };
}
