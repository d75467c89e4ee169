using System.CommandLine;
using JobPlatform.Server.Composition;

namespace JobPlatform.Server.Cli;

/// <summary><c>serve</c>, and what the binary does without a verb.</summary>
internal static class ServeCommand
{
    public const string Name = "serve";

    public static Command Create()
    {
        var command = new Command(Name, "Serve HTTP and run jobs, until SIGTERM or Ctrl-C.");
        AddTo(command);
        return command;
    }

    public static void AddTo(Command command)
    {
        var urls = new Option<string?>("--urls") { Description = "Where to listen, such as http://127.0.0.1:5080." };
        var role = new Option<string?>("--role") { Description = "What this process is for; all when not given." };
        role.AcceptOnlyFromAmong("all", "web", "worker");
        command.Add(urls);
        command.Add(role);
        command.SetAction((parsed, cancellation) => ServeHost.RunAsync(
            PlatformConfiguration.Load(Console.Error, ("ROLE", parsed.GetValue(role))), parsed.GetValue(urls), cancellation));
    }
}
