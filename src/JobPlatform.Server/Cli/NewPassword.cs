using JobPlatform.Core.Administration;
using Spectre.Console;

namespace JobPlatform.Server.Cli;

/// <summary>A password for an account: given, typed, or made here and then shown once.</summary>
internal sealed record NewPassword(string Text, bool IsMade)
{
    /// <summary>Whether somebody is there to be asked.</summary>
    public static bool CanAsk => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>The address as it is stored, and its password.</summary>
    /// <exception cref="CliException">One of the two does not do.</exception>
    public static (string Email, NewPassword Password) Read(string email, string? given)
    {
        if (AdminAccounts.FindFault(email) is { } fault) throw CliException.Refused(fault);
        if (given is null && CanAsk) given = Ask($"Password for {email} (empty for one that is made): ");
        var password = string.IsNullOrEmpty(given) ? new NewPassword(Passwords.Create(), IsMade: true) : new NewPassword(given, IsMade: false);
        return Passwords.FindFault(password.Text) is { } weak
            ? throw CliException.Refused(weak)
            : (AdminAccounts.Normalize(email), password);
    }

    /// <summary>Prints one that was made; nobody can read it again.</summary>
    public void Show()
    {
        if (IsMade) Console.Out.WriteLine($"Password: {Text}");
    }

    private static string Ask(string question)
    {
        var terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return terminal.Prompt(new TextPrompt<string>(Markup.Escape(question)).Secret(null).AllowEmpty());
    }
}
