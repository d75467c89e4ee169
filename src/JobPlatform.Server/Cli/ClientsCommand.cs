using System.CommandLine;
using JobPlatform.Core;
using JobPlatform.Core.Administration;

namespace JobPlatform.Server.Cli;

/// <summary><c>clients</c>: programs that call the API with keys of their own.</summary>
internal static class ClientsCommand
{
    private const int LongestCompany = 200;

    public static Command Create() => new("clients", "Give programs keys of their own for the API.") { CreateAdd(), CreateList(), CreateDisable() };

    private static Command CreateAdd()
    {
        var name = new Argument<string>("name") { Description = "What to call it, for the audit log." };
        var scope = new Option<string[]>("--scope")
        {
            Description = $"What it may do, once for each: {string.Join(", ", ClientScopes.All)}.",
            HelpName = "scope",
            Required = true,
            CustomParser = result =>
            {
                foreach (var fault in result.Tokens.Select(token => ClientScopes.FindFault(token.Value)).OfType<string>()) result.AddError($"--{fault}");
                return [.. result.Tokens.Select(token => token.Value).Distinct()];
            },
        };
        var company = new Option<string?>("--company") { Description = "The company whose rows it is confined to; all when not given.", HelpName = "id" };
        var add = new Command("add", "Make a client and print its key, which nobody can read again.") { name, scope, company };
        add.SetAction(async (parsed, cancellation) =>
        {
            var (given, of) = (parsed.GetValue(name)!, parsed.GetValue(company));
            if (ApiClients.FindFault(given) is { } fault) throw CliException.Refused(fault);
            if (of is { Length: 0 or > LongestCompany }) throw CliException.Refused($"--company: it has {of.Length} characters; give 1 to {LongestCompany}.");
            await using var session = await Session.OpenAsync(cancellation);
            var key = await session.Get<ApiClients>().AddAsync(given, parsed.GetValue(scope)!, of, Session.Actor, cancellation)
                ?? throw CliException.Refused($"There is a client '{given}' already. Choose another name: a key is never replaced, so that what was done under it stays told apart.");
            session.Output.Note($"The client {given} is made. This is its key; keep it, it is shown only now:");
            Console.Out.WriteLine(key);
            return ExitCode.Well;
        });
        return add;
    }

    private static Command CreateList()
    {
        var json = Options.Json();
        var limit = Options.Limit(100);
        var after = new Option<string?>("--after") { Description = "Only clients after this name.", HelpName = "name" };
        var list = new Command("list", "List clients by name.") { limit, after, json };
        list.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var clients = await session.Get<ApiClients>().ListAsync(parsed.GetValue(after), parsed.GetValue(limit), cancellation);
            if (parsed.GetValue(json))
            {
                session.Output.Json(clients);
                return ExitCode.Well;
            }
            session.Output.Table(["CLIENT", "STATE", "COMPANY", "LAST USED", "SCOPES"], [.. clients.Select(client => new[]
            {
                client.Name, client.IsDisabled ? "disabled" : "", client.Company ?? "", session.Output.Age(client.LastUsedAt), string.Join(' ', client.Scopes),
            })]);
            if (clients.Count == parsed.GetValue(limit)) session.Output.Note($"There may be more: --after {clients[^1].Name}, or a larger --limit.");
            return ExitCode.Well;
        });
        return list;
    }

    private static Command CreateDisable()
    {
        var name = new Argument<string>("name") { Description = "The client's name." };
        var disable = new Command("disable", "Take a client's key no more, within seconds.") { name };
        disable.SetAction(async (parsed, cancellation) =>
        {
            await using var session = await Session.OpenAsync(cancellation);
            var (clients, given) = (session.Get<ApiClients>(), parsed.GetValue(name)!);
            if (!await clients.DisableAsync(given, Session.Actor, cancellation))
            {
                var known = (await clients.ListAsync(null, 500, cancellation)).Select(client => client.Name).ToList();
                if (!known.Contains(given))
                    throw CliException.Refused($"There is no client '{given}'.{Suggestion.For(given, known)} 'jobplatform clients list' shows them all.");
            }
            session.Output.Line($"{given} is disabled.");
            return ExitCode.Well;
        });
        return disable;
    }
}
