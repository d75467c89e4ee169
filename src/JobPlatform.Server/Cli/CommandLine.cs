using System.CommandLine;
using System.CommandLine.Invocation;
using JobPlatform.Core;

namespace JobPlatform.Server.Cli;

/// <summary>The verbs of the binary <c>jobplatform</c>.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        // No response files: @daily is a cron expression.
        var parsed = Create().Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var message in FindFaults(parsed)) Console.Error.WriteLine(Describe(message, parsed));
            Console.Error.WriteLine($"'{NameOf(parsed.CommandResult.Command)} --help' shows what is possible.");
            return ExitCode.Refused;
        }

        using var interrupt = new CancellationTokenSource();
        // A server ends by itself: it drains, which takes longer than any limit that fits the other verbs.
        var isServer = parsed.CommandResult.Command is RootCommand or { Name: ServeCommand.Name };
        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = isServer ? null : TimeSpan.FromSeconds(5),
        };
        try
        {
            return await parsed.InvokeAsync(configuration, interrupt.Token);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception e)
        {
            var (code, sentence) = Failures.Describe(e);
            await Console.Error.WriteLineAsync(sentence);
            return code;
        }
    }

    private static RootCommand Create()
    {
        var root = new RootCommand($"Runs jobs for a SaaS on PostgreSQL. Without a verb it serves.\n\n{ExitCode.Help}")
        {
            ServeCommand.Create(),
            InitCommand.Create(),
            MigrateCommand.Create(),
            CheckCommand.Create(),
            HealthCommand.Create(),
            JobsCommand.Create(),
            RunsCommand.Create(),
            HandlersCommand.Create(),
            WebhooksCommand.Create(),
            SchedulesCommand.Create(),
            CronCommand.Create(),
            AlertsCommand.Create(),
            EmailsCommand.Create(),
            AdminsCommand.Create(),
            ClientsCommand.Create(),
            EventsCommand.Create(),
            SecretsCommand.Create(),
            SampleCommand.Create(),
            SinkCommand.Create(),
        };
        ServeCommand.AddTo(root);
        return root;
    }

    // A wrong verb is also a missing one; only the first helps.
    private static IEnumerable<string> FindFaults(ParseResult parsed)
    {
        var messages = parsed.Errors.Select(error => error.Message);
        return parsed.CommandResult.Command.Subcommands.Count > 0 && parsed.UnmatchedTokens.Count > 0
            ? messages.Where(message => parsed.UnmatchedTokens.Any(token => message.Contains($"'{token}'", StringComparison.Ordinal)))
            : messages;
    }

    private static string Describe(string message, ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var unknown = parsed.UnmatchedTokens.FirstOrDefault(token => message.Contains($"'{token}'", StringComparison.Ordinal));
        if (unknown is not null)
            return message + Suggestion.For(unknown, unknown.StartsWith('-')
                ? command.Options.Select(option => option.Name)
                : command.Subcommands.Select(verb => verb.Name));
        return command.Subcommands.Count > 0 && parsed.UnmatchedTokens.Count == 0
            ? $"'{NameOf(command)}' needs a verb: {string.Join(", ", command.Subcommands.Select(verb => verb.Name))}."
            : message;
    }

    private static string NameOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{NameOf(parent)} {command.Name}" : "jobplatform";
}
