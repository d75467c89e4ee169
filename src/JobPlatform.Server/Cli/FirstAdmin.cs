using JobPlatform.Core.Administration;

namespace JobPlatform.Server.Cli;

/// <summary>The account that <c>init</c> makes where there is none.</summary>
internal sealed record FirstAdmin(string? Email, string? Password)
{
    /// <summary>Refuses what was given before anything is done.</summary>
    /// <exception cref="CliException">Address or password do not do.</exception>
    public void Check()
    {
        if (Email is null && Password is not null) throw CliException.Refused("--admin-password: it is given without --admin-email. Give both.");
        if (Email is not null && AdminAccounts.FindFault(Email) is { } fault) throw CliException.Refused($"--admin-{fault}");
        if (Password is not null && Passwords.FindFault(Password) is { } weak) throw CliException.Refused($"--admin-{weak}");
    }

    /// <summary>Makes the account, unless there is any.</summary>
    public async Task EnsureAsync(Session session, CancellationToken cancellation)
    {
        var accounts = session.Get<AdminAccounts>();
        if ((await accounts.ListAsync(null, 1, cancellation)).Count > 0)
        {
            session.Output.Line("Admins: there already.");
            return;
        }
        if ((Email ?? Ask()) is not { Length: > 0 } given)
        {
            session.Output.Line("Admins: none yet. 'jobplatform admins add EMAIL' makes one.");
            return;
        }
        // Given as an option, nothing is asked: a script waits for no answer.
        var (email, password) = NewPassword.Read(given, Password ?? (Email is null ? null : ""));
        await accounts.AddAsync(email, AdminRole.Admin, password.Text, Session.Actor, cancellation);
        session.Output.Line($"Admins: {email} may sign in.");
        password.Show();
    }

    private static string? Ask()
    {
        if (!NewPassword.CanAsk) return null;
        Console.Error.Write("E-mail address of the first admin (empty for none): ");
        return Console.ReadLine()?.Trim();
    }
}
