using System.CommandLine;
using JobPlatform.Core.Administration;

namespace JobPlatform.Server.Cli;

/// <summary><c>admins</c>: who may sign in.</summary>
internal static class AdminsCommand
{
    public static Command Create() => new("admins", "Say who may sign in at /admin.") { CreateAdd(), CreateList(), CreateReset(), CreateDisable() };

    private static Command CreateAdd()
    {
        var email = Email();
        var role = new Option<string>("--role") { Description = "admin, who does everything, or viewer, who only looks; admin when not given.", DefaultValueFactory = _ => "admin" };
        role.AcceptOnlyFromAmong("admin", "viewer");
        var password = Password();
        var add = new Command("add", "Make an account. Without a password one is asked for at a terminal, or else made and printed.") { email, role, password };
        add.SetAction((parsed, cancellation) => WithPasswordAsync(parsed.GetValue(email)!, parsed.GetValue(password), async (session, address, given) =>
            await session.Get<AdminAccounts>().AddAsync(address, Enum.Parse<AdminRole>(parsed.GetValue(role)!, ignoreCase: true), given, Session.Actor, cancellation)
                ? $"{address} may sign in as {parsed.GetValue(role)}."
                : throw CliException.Refused($"There is an account {address} already. 'jobplatform admins reset {address}' gives it a new password."), cancellation));
        return add;
    }

    private static Command CreateReset()
    {
        var email = Email();
        var password = Password();
        var reset = new Command("reset", "Give an account a new password, let it in again when it is disabled, and end its sessions.") { email, password };
        reset.SetAction((parsed, cancellation) => WithPasswordAsync(parsed.GetValue(email)!, parsed.GetValue(password), async (session, address, given) =>
            await session.Get<AdminAccounts>().ResetAsync(address, given, Session.Actor, cancellation)
                ? $"{address} has a new password."
                : throw await UnknownAsync(session, address, cancellation), cancellation));
        return reset;
    }

    private static Command CreateDisable()
    {
        var email = Email();
        var disable = new Command("disable", "Let an account in no more, and end its sessions within seconds.") { email };
        disable.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var address = AdminAccounts.Normalize(parsed.GetValue(email)!);
            var accounts = session.Get<AdminAccounts>();
            if (!await accounts.DisableAsync(address, Session.Actor, cancellation) && await accounts.FindAsync(address, cancellation) is null)
                throw await UnknownAsync(session, address, cancellation);
            session.Output.Line($"{address} is disabled.");
            return ExitCode.Well;
        });
        return disable;
    }

    private static Command CreateList()
    {
        var json = Options.Json();
        var limit = Options.Limit(100);
        var after = new Option<string?>("--after") { Description = "Only accounts after this address.", HelpName = "email" };
        var list = new Command("list", "List accounts by address.") { limit, after, json };
        list.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var accounts = await session.Get<AdminAccounts>().ListAsync(parsed.GetValue(after), parsed.GetValue(limit), cancellation);
            if (parsed.GetValue(json))
            {
                session.Output.Json(accounts.Select(account => new
                {
                    account.Email, account.Role, account.IsDisabled, account.HasPassword, account.CreatedAt, account.LastSignInAt,
                }));
                return ExitCode.Well;
            }
            session.Output.Table(["EMAIL", "ROLE", "STATE", "PASSWORD", "LAST SIGN-IN"], [.. accounts.Select(account => new[]
            {
                account.Email, account.Role.ToString().ToLowerInvariant(), account.IsDisabled ? "disabled" : "", account.HasPassword ? "set" : "none",
                session.Output.Age(account.LastSignInAt),
            })]);
            if (accounts.Count == parsed.GetValue(limit)) session.Output.Note($"There may be more: --after {accounts[^1].Email}, or a larger --limit.");
            return ExitCode.Well;
        });
        return list;
    }

    private static Argument<string> Email() => new("email") { Description = "The account's e-mail address." };

    private static Option<string?> Password() => new("--password")
    {
        Description = $"At least {Passwords.MinimumLength} characters. Other users of this machine may see it while the command runs.",
        HelpName = "password",
    };

    private static async Task<int> WithPasswordAsync(
        string email, string? given, Func<Session, string, string, Task<string>> change, CancellationToken cancellation)
    {
        var (address, password) = NewPassword.Read(email, given);
        await using var session = await Session.OpenAsync(cancellation);
        session.Output.Line(await change(session, address, password.Text));
        password.Show();
        return ExitCode.Well;
    }

    private static async Task<CliException> UnknownAsync(Session session, string email, CancellationToken cancellation)
    {
        var known = await session.Get<AdminAccounts>().ListAsync(null, 500, cancellation);
        return CliException.Refused($"There is no account {email}.{Core.Suggestion.For(email, known.Select(account => account.Email))} 'jobplatform admins list' shows them all.");
    }
}
